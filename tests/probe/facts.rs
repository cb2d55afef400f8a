//! Hosts to choose for, as few words each as can be.
use chainkeeper::backends::Kind;
use chainkeeper::probe::{
    Basis, Choice, Conclusion, Fact, Facts, HostTool, LegacyFacts, NftFacts, NoChoice, Question,
    Remembered, choose,
};
use chainkeeper::sight::Held;
use chainkeeper_contract::{ChainName, ErrorKind, Family, Survey};
use std::collections::BTreeMap;

pub(crate) const V4: Family = Family::Ipv4;
pub(crate) const V6: Family = Family::Ipv6;

/// Both backends work, nothing is in either, nobody says anything, no question was asked.
pub(crate) fn host() -> Facts {
    Facts {
        nft: NftFacts {
            answers: Fact::Yes,
            denied: false,
            generation: Some(1),
            held: BTreeMap::new(),
            survey: None,
            dry_run: None,
        },
        legacy: LegacyFacts {
            names: Ok(BTreeMap::new()),
            kernel: Fact::Yes,
            tools: Ok("iptables-legacy 1.8.9".into()),
            allowed: Fact::Yes,
            held: Ok(BTreeMap::new()),
            survey: None,
            unread: ErrorKind::Denied,
            gone: Default::default(),
        },
        host_tool: None,
        remembered: None,
    }
}

/// A host, changed.
pub(crate) fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = host();
    change(&mut facts);
    facts
}

/// The same host with both questions answered: nothing there, unless it was said before.
pub(crate) fn answered(mut facts: Facts) -> Facts {
    facts.nft.survey.get_or_insert_default();
    facts.legacy.survey.get_or_insert_default();
    facts.nft.dry_run.get_or_insert(Fact::Yes);
    facts
}

impl FactsExt for Facts {}

/// What a host has.
pub(crate) trait FactsExt: std::borrow::BorrowMut<Facts> {
    fn side(&mut self, kind: Kind, family: Family) -> &mut Held {
        let facts = self.borrow_mut();
        match kind {
            Kind::Nft => facts.nft.held.entry(family).or_default(),
            Kind::Legacy => {
                let legacy = &mut facts.legacy;
                legacy.held.as_mut().expect("readable").entry(family).or_default()
            }
        }
    }

    /// Somebody else's hint in mangle.
    fn hint(&mut self, kind: Kind, family: Family) {
        if kind == Kind::Legacy {
            self.list(family, "mangle");
        }
        self.side(kind, family).hints = vec![ChainName::from("KUBE-IPTABLES-HINT")];
    }

    fn full_set(&mut self, kind: Kind, family: Family) {
        if kind == Kind::Legacy {
            self.list(family, "nat");
        }
        self.side(kind, family).full_set = true;
    }

    fn kube_proxy(&mut self, kind: Kind, family: Family) {
        if kind == Kind::Legacy {
            self.list(family, "nat");
        }
        self.side(kind, family).kube_proxy = Some("nat KUBE-SERVICES".into());
    }

    /// Chains of ours, the hint among them.
    fn ours(&mut self, kind: Kind, family: Family) {
        if kind == Kind::Legacy {
            self.list(family, "mangle");
        }
        let held = self.side(kind, family);
        (held.ours, held.our_hint) = (8, true);
    }

    /// A legacy table that exists.
    fn list(&mut self, family: Family, table: &str) {
        let names = self.borrow_mut().legacy.names.as_mut().expect("readable");
        names.entry(family).or_default().push(table.into());
    }

    fn rules(&mut self, kind: Kind, family: Family, count: usize) {
        let facts = self.borrow_mut();
        if kind == Kind::Legacy {
            facts.list(family, "filter");
        }
        let survey = match kind {
            Kind::Nft => &mut facts.nft.survey,
            Kind::Legacy => &mut facts.legacy.survey,
        };
        survey.get_or_insert_default().rules.insert(family, count);
    }

    fn remember(&mut self, kind: Kind, evidence: bool) {
        let from = "the state file".into();
        self.borrow_mut().remembered = Some(Remembered { kind, evidence, from, now: false });
    }

    fn host_tool_if(&mut self, kind: Option<Kind>) {
        if let Some(kind) = kind {
            self.host_tool(kind);
        }
    }

    fn host_tool(&mut self, kind: Kind) {
        let text = match kind {
            Kind::Nft => "/usr/sbin/iptables is 1.8.9 (nf_tables)",
            Kind::Legacy => "/usr/sbin/iptables is 1.8.9 (legacy)",
        };
        self.borrow_mut().host_tool = Some(HostTool { kind, text: text.into() });
    }

    /// EPERM on NFT_MSG_GETGEN.
    fn deny(&mut self) {
        let nft = &mut self.borrow_mut().nft;
        nft.answers = Fact::Unknown("operation not permitted (EPERM)".into());
        (nft.denied, nft.generation) = (true, None);
    }

    /// A kernel without nf_tables.
    fn no_nf_tables(&mut self) {
        let nft = &mut self.borrow_mut().nft;
        nft.answers = Fact::No("invalid argument (EINVAL)".into());
        nft.generation = None;
    }

    /// EACCES on `ip_tables_names`.
    fn no_names(&mut self) {
        let legacy = &mut self.borrow_mut().legacy;
        legacy.names = Err("ip_tables_names: permission denied (EACCES)".into());
        legacy.held = Ok(BTreeMap::new());
    }

    /// A table is there and its content is not to be had.
    fn unreadable(&mut self, table: &str) {
        self.list(V4, table);
        self.borrow_mut().legacy.held = Err("operation not permitted (EPERM)".into());
    }

    fn no_tools(&mut self) {
        self.borrow_mut().legacy.tools = Err("iptables-legacy is not installed".into());
    }
}

pub(crate) fn native(table: &str) -> Survey {
    Survey { tables: vec![table.into()], ..Survey::default() }
}

#[track_caller]
pub(crate) fn chosen(facts: &Facts, asked: Option<Kind>) -> Choice {
    match choose(facts, asked) {
        Conclusion::Chosen(choice) => choice,
        conclusion @ (Conclusion::Ask(_) | Conclusion::None(_)) => panic!("{conclusion:?}"),
    }
}

#[track_caller]
pub(crate) fn refused(facts: &Facts, asked: Option<Kind>) -> NoChoice {
    match choose(facts, asked) {
        Conclusion::None(error) => error,
        conclusion @ (Conclusion::Ask(_) | Conclusion::Chosen(_)) => panic!("{conclusion:?}"),
    }
}

/// What is asked before anything is chosen.
#[track_caller]
pub(crate) fn question(facts: &Facts) -> Question {
    match choose(facts, None) {
        Conclusion::Ask(question) => question,
        conclusion @ (Conclusion::Chosen(_) | Conclusion::None(_)) => panic!("{conclusion:?}"),
    }
}

/// Row, choice, basis, and whether the hint may be written.
#[track_caller]
pub(crate) fn gives(facts: &Facts, row: &str, kind: Kind, basis: Basis, hint: bool) -> Vec<String> {
    let choice = chosen(facts, None);
    let is = (choice.row, choice.kind, choice.basis, choice.hint);
    assert_eq!(is, (row, kind, basis, hint), "{choice:?}");
    choice.warnings
}

#[track_caller]
pub(crate) fn fails(facts: &Facts, row: &str, kind: ErrorKind) -> String {
    let error = refused(facts, None);
    assert_eq!((error.row, error.kind), (row, kind), "{error:?}");
    format!("{}: {}", error.what, error.why)
}

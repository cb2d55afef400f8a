//! What the facts come to before any row is asked: who holds what, and what can be used.
use super::{Fact, Facts, Held, Kind, Remembered, words};
use chainkeeper_contract::{ErrorKind, Family, Lack, Survey};
use std::collections::BTreeMap;

/// The five tables of iptables. All others of nf_tables are somebody's who speaks it natively.
const IPTABLES: [&str; 5] = ["raw", "mangle", "nat", "filter", "security"];

/// The facts, with what follows from them.
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    /// An earlier choice; chains of ours in one backend only tell it, too.
    pub(super) remembered: Option<Remembered>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(facts: &'a Facts) -> Seen<'a> {
        let mut seen = Seen { facts, remembered: facts.remembered.clone() };
        seen.remembered = seen.remembered.or_else(|| by_our_chains(facts));
        seen
    }

    /// What a backend holds; nothing where it could not be read, which is for the caller to know.
    pub(super) fn held(&self, kind: Kind) -> &'a BTreeMap<Family, Held> {
        self.facts.held(kind)
    }

    /// A hint of somebody else, in either family.
    pub(super) fn hint(&self, kind: Kind) -> bool {
        self.held(kind).values().any(|held| !held.hints.is_empty())
    }

    /// The backends that carry somebody else's hint in that family.
    pub(super) fn hints_of(&self, family: Family) -> Vec<Kind> {
        let hinted = |kind| self.held(kind).get(&family).is_some_and(|h| !h.hints.is_empty());
        Kind::ALL.into_iter().filter(|kind| hinted(*kind)).collect()
    }

    /// The only backend of which it is true.
    pub(super) fn only(&self, is: impl Fn(&Held) -> bool) -> Option<Kind> {
        let in_it = |kind| self.held(kind).values().any(&is);
        match (in_it(Kind::Nft), in_it(Kind::Legacy)) {
            (true, false) => Some(Kind::Nft),
            (false, true) => Some(Kind::Legacy),
            (true, true) | (false, false) => None,
        }
    }

    /// Does legacy have any table in this namespace? A list that could not be read lists none.
    pub(super) fn listed(&self) -> bool {
        self.facts.legacy.lists_any()
    }

    /// Does it have that table, in either family?
    pub(super) fn lists(&self, table: &str) -> bool {
        self.facts.legacy.names.iter().flat_map(BTreeMap::values).flatten().any(|t| t == table)
    }

    /// Why the tables that legacy lists could not be read.
    pub(super) fn unread(&self) -> Option<&'a str> {
        self.facts.legacy.held.as_ref().err().filter(|_| self.listed()).map(String::as_str)
    }

    /// Why a backend cannot be used, as far as is proven.
    pub(super) fn unusable(&self, kind: Kind) -> Option<String> {
        match kind {
            Kind::Nft => match &self.facts.nft.answers {
                Fact::Yes => None,
                Fact::No(why) | Fact::Unknown(why) => Some(why.clone()),
            },
            Kind::Legacy => {
                let legacy = &self.facts.legacy;
                let proven = [&legacy.allowed, &legacy.kernel].into_iter().filter_map(Fact::no);
                let missing: Vec<&str> = legacy
                    .tools
                    .as_ref()
                    .err()
                    .map(String::as_str)
                    .into_iter()
                    .chain(proven)
                    .collect();
                (!missing.is_empty()).then(|| missing.join("; "))
            }
        }
    }

    /// What a caller can do about a backend that is unusable: another user, or another host.
    pub(super) fn lack(&self, kind: Kind) -> ErrorKind {
        let legacy = &self.facts.legacy;
        let there = legacy.tools.is_ok() && legacy.kernel.no().is_none();
        match kind == Kind::Legacy && there && legacy.allowed.no().is_some() {
            true => ErrorKind::Denied,
            false => ErrorKind::Unsupported,
        }
    }

    /// What would have helped where that row names no backend.
    pub(super) fn lacks(&self, row: &str) -> Option<Lack> {
        let legacy = &self.facts.legacy;
        match row {
            // Nothing to do with legacy.
            "2" | "5" | "6" | "7" => None,
            "9" => Some(Lack::Group),
            _ if legacy.tools.is_err() => Some(Lack::Tools),
            _ => legacy.allowed.no().map(|_| Lack::Capabilities),
        }
    }

    /// Of a backend that is chosen: what may still turn out to be missing.
    pub(super) fn doubts(&self, kind: Kind) -> Vec<String> {
        let legacy = &self.facts.legacy;
        // Where a table is listed the code is there, whatever else could not be found out.
        let kernel = legacy.kernel.unknown().filter(|_| !self.listed());
        let allowed = legacy.allowed.unknown();
        let doubts = kernel.map(words::kernel_unknown).into_iter();
        let doubts = doubts.chain(allowed.map(words::allowed_unknown));
        doubts.filter(|_| kind == Kind::Legacy).collect()
    }

    /// An earlier choice that can still be used.
    pub(super) fn usable_memory(&self) -> Option<&Remembered> {
        self.remembered.as_ref().filter(|r| self.unusable(r.kind).is_none())
    }

    /// While we run, a hint that goes leaves nothing behind that was not there before: a kube-proxy in the
    /// other backend is no reason to move then, or each reload would move us to and fro.
    pub(super) fn settled(&self) -> bool {
        self.remembered.as_ref().is_some_and(|r| r.now && r.evidence)
    }

    /// Why an earlier choice is passed over.
    pub(super) fn passed_over(&self) -> Option<String> {
        let remembered = self.remembered.as_ref()?;
        let why = self.unusable(remembered.kind)?;
        Some(words::passed_over(remembered, &why))
    }

    /// All that a backend holds of others, where that is known: nothing of nf_tables where there is
    /// none, nothing of legacy where it lists no table.
    pub(super) fn others(&self, kind: Kind) -> Option<Others> {
        let (there, survey) = match kind {
            Kind::Nft => (self.facts.nft.answers == Fact::Yes, &self.facts.nft.survey),
            Kind::Legacy => (self.listed(), &self.facts.legacy.survey),
        };
        match (there, survey) {
            (false, _) => Some(Others::default()),
            (true, None) => None,
            (true, Some(survey)) => Some(Others::of(survey)),
        }
    }
}

/// What a backend holds of others.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) rules: BTreeMap<Family, usize>,
    pub(super) policies: Vec<String>,
    /// Tables that iptables does not know.
    pub(super) native: Vec<String>,
}

impl Others {
    fn of(survey: &Survey) -> Others {
        let native = survey.tables.iter().filter(|t| !of_iptables(t));
        let rules = survey.rules.iter().filter(|(_, n)| **n > 0).map(|(f, n)| (*f, *n)).collect();
        Others { rules, policies: survey.policies.clone(), native: native.cloned().collect() }
    }

    /// A rule or a policy that iptables could have made. A table alone is not one: listing makes it.
    pub(super) fn any(&self) -> bool {
        !self.rules.is_empty() || !self.policies.is_empty()
    }
}

/// `ip nat` and the like, as iptables-nft makes them (and leaves them behind, empty).
fn of_iptables(table: &str) -> bool {
    table
        .split_once(' ')
        .is_some_and(|(family, name)| matches!(family, "ip" | "ip6") && IPTABLES.contains(&name))
}

/// Chains of ours are no evidence of what others use, only of what we chose: in both they say nothing.
fn by_our_chains(facts: &Facts) -> Option<Remembered> {
    let ours = Kind::ALL.into_iter().filter(|kind| facts.holds_ours(*kind));
    let [kind] = ours.collect::<Vec<_>>()[..] else {
        return None;
    };
    let evidence = facts.held(kind).values().any(|h| h.our_hint);
    Some(Remembered { kind, evidence, from: words::our_chains(facts.held(kind)), now: false })
}

//! Which chains and rules each family should hold. Pure: configuration and what was seen come in.
//! Rules, comments and order are kubelet's (1.24 for `full`, 1.28 for `current`).
use crate::chains::{
    FIREWALL, HINT, KUBELET_CANARY, MARK_DROP, MARK_MASQ, OWN_CANARY, OWN_DROP, POSTROUTING,
};
use crate::config::{Config, Dialect, Profile};
use chainkeeper_contract::{
    Action, Canary, Chain, Cond, CtStates, Family, Hook, Jump, Mark, Matches, Partner, Prefix,
    Rule, Ruleset, Table,
};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// What was seen of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// A kube-proxy in iptables or ipvs mode. Once seen, it stays seen until reboot.
    pub kube_proxy: bool,
    /// Nobody's rules tell which backend this host uses. Then KUBE-IPTABLES-HINT is withheld, which would
    /// tell others, and so is kubelet's canary in mangle, which they take for a hint, too.
    pub no_hint: bool,
}

/// What one family should hold.
pub fn policy(config: &Config, circumstances: Circumstances, family: Family) -> Ruleset {
    if !config.make_chains {
        return Ruleset::empty(family);
    }
    let own_drop = config.profile == Profile::Auto && circumstances.kube_proxy;
    let drop_in = if own_drop { DropIn::Own } else { DropIn::Firewall };
    let mut set = build(config, family, drop_in, &[config.dialect]);
    if circumstances.no_hint {
        set.chains.retain(|c| c.name.as_str() != HINT);
        for canary in set.canaries.iter_mut().filter(|c| c.table == Table::Mangle) {
            canary.shared = canary.own.clone();
        }
    }
    set
}

/// What becomes of the packets that a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// They are masqueraded.
    Masqueraded,
    /// They were marked for dropping, and are dropped.
    Dropped,
    /// They came from elsewhere for a localnet address, and are dropped.
    Martian,
    /// They are marked, or go on.
    Other,
}

/// What becomes of the packets that a wanted rule counts.
pub fn counts(rule: &Rule) -> Counts {
    match (&rule.action, &rule.matches.mark) {
        (Action::Masquerade { .. }, _) => Counts::Masqueraded,
        (Action::Drop, Some(_)) => Counts::Dropped,
        (Action::Drop, None) => Counts::Martian,
        (Action::Return | Action::Jump(_) | Action::Mark { .. }, _) => Counts::Other,
    }
}

/// Everything that any profile of ours may have made: what `remove` looks for.
pub fn removable(config: &Config, family: Family) -> Ruleset {
    let full = Config { profile: Profile::Full, ..config.clone() };
    build(&full, family, DropIn::Both, &DIALECTS)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DropIn {
    Firewall,
    Own,
    Both,
}

const DIALECTS: [Dialect; 2] = [Dialect::Xt, Dialect::Native];

/// `dialects`: those whose form of a rule is wanted.
fn build(config: &Config, family: Family, drop_in: DropIn, dialects: &[Dialect]) -> Ruleset {
    let mut set = Ruleset::empty(family);
    set.canaries = Table::ALL.map(canary).to_vec();
    set.chains.push(chain(Table::Mangle, HINT, vec![]));
    let marks = config.profile != Profile::Current;
    if marks {
        masquerading(config, &mut set);
        set.chains.push(chain(Table::Nat, MARK_DROP, vec![or_mark(config.drop_mark)]));
    }
    let mut firewall = Vec::new();
    if marks && drop_in != DropIn::Own {
        firewall.push(drop_marked(config.drop_mark));
        set.partners.push(drop_partner(config, FIREWALL));
    }
    if marks || family == Family::Ipv4 {
        firewall_chain(FIREWALL, firewall, &mut set);
    }
    let firewall = set.chains.iter_mut().filter(|c| c.name.as_str() == FIREWALL);
    for chain in firewall {
        if drop_in == DropIn::Own {
            chain.retired.push(drop_marked(config.drop_mark));
        }
        if family == Family::Ipv4 {
            localnet(chain, dialects);
        }
    }
    if marks && drop_in != DropIn::Firewall {
        set.partners.push(drop_partner(config, OWN_DROP));
        firewall_chain(OWN_DROP, vec![drop_marked(config.drop_mark)], &mut set);
    }
    set
}

/// KUBE-MARK-MASQ marks, KUBE-POSTROUTING acts: RETURN, clear the mark, MASQUERADE; in that order.
fn masquerading(config: &Config, set: &mut Ruleset) {
    let bit = config.masquerade_mark;
    let unmarked = Matches { mark: Some(Cond::not(Mark { value: bit, mask: bit })), ..any() };
    let rules = vec![
        Rule::new(Action::Return).when(unmarked),
        Rule::new(Action::Mark { value: bit, mask: 0 }),
        Rule::new(Action::Masquerade { random_fully: true })
            .comment("kubernetes service traffic requiring SNAT"),
    ];
    set.partners.push(Partner {
        marks: (Table::Nat, MARK_MASQ.into()),
        acts: (Table::Nat, POSTROUTING.into()),
        rules: rules.clone(),
    });
    set.chains.push(chain(Table::Nat, MARK_MASQ, vec![or_mark(bit)]));
    set.chains.push(chain(Table::Nat, POSTROUTING, rules));
    let rule = Rule::new(Action::Jump(POSTROUTING.into())).comment("kubernetes postrouting rules");
    let (table, hook, to) = (Table::Nat, Hook::Postrouting, POSTROUTING.into());
    set.jumps.push(Jump { table, hook, to, rule });
}

/// A chain of table filter that packets to and from this host pass.
fn firewall_chain(name: &str, rules: Vec<Rule>, set: &mut Ruleset) {
    set.chains.push(chain(Table::Filter, name, rules));
    for hook in [Hook::Output, Hook::Input] {
        let rule = Rule::new(Action::Jump(name.into()));
        set.jumps.push(Jump { table: Table::Filter, hook, to: name.into(), rule });
    }
}

fn drop_partner(config: &Config, acts: &str) -> Partner {
    Partner {
        marks: (Table::Nat, MARK_DROP.into()),
        acts: (Table::Filter, acts.into()),
        rules: vec![drop_marked(config.drop_mark)],
    }
}

fn any() -> Matches {
    Matches::default()
}

fn chain(table: Table, name: &str, rules: Vec<Rule>) -> Chain {
    Chain { table, name: name.into(), rules, instead: vec![], retired: vec![] }
}

fn canary(table: Table) -> Canary {
    Canary { table, shared: KUBELET_CANARY.into(), own: OWN_CANARY.into() }
}

fn or_mark(bit: u32) -> Rule {
    Rule::new(Action::Mark { value: bit, mask: bit })
}

fn drop_marked(bit: u32) -> Rule {
    let marked = Matches { mark: Some(Cond::is(Mark { value: bit, mask: bit })), ..any() };
    Rule::new(Action::Drop).when(marked).comment("kubernetes firewall for dropping marked packets")
}

/// The localnet rule in the form of each of these dialects. The xt form does as well where the native
/// one is wanted: kubelet and kube-proxy write it. The native form is our own work and goes.
fn localnet(chain: &mut Chain, dialects: &[Dialect]) {
    let marked = chain.rules.clone();
    chain.rules.extend(dialects.iter().flat_map(drop_localnet));
    match dialects {
        [Dialect::Xt] => chain.retired.extend(drop_localnet(&Dialect::Native)),
        [Dialect::Native] => chain.instead = vec![[marked, drop_localnet(&Dialect::Xt)].concat()],
        _ => {}
    }
}

/// CVE-2020-8558: localhost services must not be reached from outside by route_localnet.
///
/// Natively that takes two rules, since `ct status` breaks off for a packet without a connection
/// (invalid, untracked), which xt_conntrack counts as "not DNATed". Together they drop the same packets.
fn drop_localnet(dialect: &Dialect) -> Vec<Rule> {
    let localnet = Prefix { addr: Ipv4Addr::new(127, 0, 0, 0).into(), len: 8 };
    let rule = |ctstate| {
        let (source, destination) = (Some(Cond::not(localnet)), Some(Cond::is(localnet)));
        let matches = Matches { source, destination, mark: None, ctstate: Some(ctstate) };
        Rule::new(Action::Drop).when(matches).comment("block incoming localnet connections")
    };
    let known = CtStates::RELATED | CtStates::ESTABLISHED | CtStates::DNAT;
    let no_entry = CtStates::INVALID | CtStates::UNTRACKED;
    match dialect {
        Dialect::Xt => vec![rule(Cond::not(CtStates(known)))],
        Dialect::Native => {
            vec![rule(Cond::is(CtStates(no_entry))), rule(Cond::not(CtStates(known | no_entry)))]
        }
    }
}

//! A ruleset like the real one, for cases that need no random one; and every conntrack there is.
use crate::names::{Family, Hook, Table};
use crate::rule::{Action, Cond, CtStates, Mark, Matches, Prefix, Rule};
use crate::ruleset::{Canary, Chain, Jump, Partner, Ruleset};
use crate::trace::{Conntrack, State};
use std::net::Ipv4Addr;

/// Mark, postrouting, firewall, hint and canaries, as kubelet 1.24 makes them.
pub fn full(family: Family) -> Ruleset {
    let mut set = Ruleset::empty(family);
    let any = Matches::default;
    let bit = |value| Mark { value, mask: value };
    let chain = |table, name: &str, rules| Chain {
        table,
        name: name.into(),
        rules,
        instead: vec![],
        retired: vec![],
    };
    let or = |value| Rule::new(Action::Mark { value, mask: value });
    let returns = Matches { mark: Some(Cond::not(bit(0x4000))), ..any() };
    let drops = Matches { mark: Some(Cond::is(bit(0x8000))), ..any() };
    let dropped = Rule::new(Action::Drop).when(drops).comment("drop marked packets");
    let mut firewall = vec![dropped.clone()];
    if let (Family::Ipv4, Some(net)) = (family, Prefix::new(Ipv4Addr::LOCALHOST.into(), 8)) {
        let matches = Matches {
            source: Some(Cond::not(net)),
            destination: Some(Cond::is(net)),
            mark: None,
            ctstate: Some(Cond::not(CtStates(CtStates::RELATED | CtStates::ESTABLISHED))),
        };
        firewall.push(Rule::new(Action::Drop).when(matches).comment("block localnet"));
    }
    let postrouting = vec![
        Rule::new(Action::Return).when(returns),
        Rule::new(Action::Mark { value: 0x4000, mask: 0 }),
        Rule::new(Action::Masquerade { random_fully: true }).comment("requiring SNAT"),
    ];
    set.partners = vec![
        Partner {
            marks: (Table::Nat, "KUBE-MARK-MASQ".into()),
            acts: (Table::Nat, "KUBE-POSTROUTING".into()),
            rules: postrouting.clone(),
        },
        Partner {
            marks: (Table::Nat, "KUBE-MARK-DROP".into()),
            acts: (Table::Filter, "KUBE-FIREWALL".into()),
            rules: vec![dropped],
        },
    ];
    set.chains = vec![
        chain(Table::Mangle, "KUBE-IPTABLES-HINT", vec![]),
        chain(Table::Nat, "KUBE-MARK-MASQ", vec![or(0x4000)]),
        chain(Table::Nat, "KUBE-POSTROUTING", postrouting),
        chain(Table::Nat, "KUBE-MARK-DROP", vec![or(0x8000)]),
        chain(Table::Filter, "KUBE-FIREWALL", firewall),
    ];
    let jump = |table, hook, to: &str| {
        let rule = Rule::new(Action::Jump(to.into()));
        Jump { table, hook, to: to.into(), rule }
    };
    set.jumps = vec![
        jump(Table::Nat, Hook::Postrouting, "KUBE-POSTROUTING"),
        jump(Table::Filter, Hook::Output, "KUBE-FIREWALL"),
        jump(Table::Filter, Hook::Input, "KUBE-FIREWALL"),
    ];
    let canary = |table| Canary {
        table,
        shared: "KUBE-KUBELET-CANARY".into(),
        own: "CHAINKEEPER-CANARY".into(),
    };
    set.canaries = Table::ALL.map(canary).to_vec();
    set
}

/// Everything that conntrack can know of a packet, and some that the kernel does not put together.
pub fn every_conntrack() -> Vec<Conntrack> {
    let mut all = vec![Conntrack::Invalid, Conntrack::Untracked];
    for state in [State::New, State::Established, State::Related] {
        for n in 0..8 {
            let (first, snat, dnat) = (n & 1 != 0, n & 2 != 0, n & 4 != 0);
            all.push(Conntrack::Entry { state, first, snat, dnat });
        }
    }
    all
}

/// A file for iptables-restore: so many rules, all different, of a chain `BIG` of table filter to which
/// nobody jumps.
pub fn big_restore(rules: usize) -> String {
    let rule = |n| {
        let (a, b) = (n / 250, n % 250);
        format!("-A BIG -s 10.1.{a}.{b} -p tcp --dport 80 -j ACCEPT\n")
    };
    format!("*filter\n:BIG - [0:0]\n{}COMMIT\n", (0..rules).map(rule).collect::<String>())
}

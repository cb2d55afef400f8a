//! What is to be seen of others, and what it means. Pure.
use super::{Circumstances, removable};
use crate::chains::{HINT, KUBELET_CANARY, MARK_MASQ, OWN_DROP, POSTROUTING};
use crate::config::Config;
use chainkeeper_contract::{ChainName, ChainSeen, Family, Hook, Observed, Scope, Snapshot, Table};
use serde::Serialize;

pub(super) fn kube_proxy_signs() -> Vec<(Table, ChainName)> {
    let canary = Table::ALL.map(|t| (t, ChainName::from("KUBE-PROXY-CANARY")));
    let services = [Table::Nat, Table::Filter].map(|t| (t, ChainName::from("KUBE-SERVICES")));
    canary.into_iter().chain(services).collect()
}

/// What a look tells of others. Our own CHAINKEEPER-DROP tells that a kube-proxy was seen earlier. Where a saved
/// ruleset brought it back at boot, it may be of an earlier one: then we stay beside a kube-proxy until `remove`.
pub fn sight(snapshot: &Snapshot) -> Circumstances {
    let mut seen = snapshot.families.values().flatten();
    let kube_proxy = seen.any(|family| {
        kube_proxy_signs().iter().any(|(t, c)| family.chain(*t, c).is_some())
            || family.chain(Table::Filter, &OWN_DROP.into()).is_some()
    });
    Circumstances { kube_proxy, ..Circumstances::default() }
}

/// What tells whose rules are in a backend: the hints, kubelet's or our full set, signs of a kube-proxy;
/// and whichever chains of ours are there.
pub fn evidence_scope(config: &Config) -> Scope {
    let mut scope = Scope { families: Family::ALL.into(), ..Scope::default() };
    let hook = (Table::Nat, Hook::Postrouting);
    scope.hooks.insert(hook, [ChainName::from(POSTROUTING)].into());
    scope.chains.extend([MARK_MASQ, POSTROUTING].map(|c| (Table::Nat, c.into())));
    scope.presence.extend(kube_proxy_signs());
    scope.presence.extend(Scope::of(&[removable(config, Family::Ipv4)]).chains);
    scope
}

/// What one family of one backend holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// KUBE-IPTABLES-HINT and KUBE-KUBELET-CANARY in mangle, where they are not ours.
    pub hints: Vec<ChainName>,
    /// KUBE-MARK-MASQ and KUBE-POSTROUTING with rules and the jump from POSTROUTING, not ours.
    pub full_set: bool,
    /// The first sign of a kube-proxy, such as `nat KUBE-SERVICES`.
    pub kube_proxy: Option<String>,
    /// Chains that carry our mark, or that are recorded as ours.
    pub ours: usize,
    /// KUBE-IPTABLES-HINT is one of them.
    pub our_hint: bool,
}

/// What one family of a backend shows of others, and of us.
pub fn held(seen: &Observed) -> Held {
    let theirs =
        |table, name: &str| seen.chain(table, &name.into()).filter(|c| !c.ours && c.base.is_none());
    let full = |name| theirs(Table::Nat, name).is_some_and(|c| !c.rules.is_empty());
    let to = ChainName::from(POSTROUTING);
    let jumps = |hook: &ChainSeen| hook.rules.iter().any(|r| r.jumps_to() == Some(&to));
    let hook = seen.chain(Table::Nat, &Hook::Postrouting.chain());
    let hints = [HINT, KUBELET_CANARY].into_iter().filter(|c| theirs(Table::Mangle, c).is_some());
    let mut signs = kube_proxy_signs().into_iter();
    let ours = |name: &str| {
        let mut tables = seen.tables.values();
        tables.any(|t| t.chains.get(name).is_some_and(|c| c.ours))
    };
    // Where mark and record are lost, these tell whose the rest is.
    let by_us = seen.tables.values().flat_map(|t| t.chains.keys()).any(ChainName::is_ours_alone);
    let ours_proven =
        seen.tables.values().flat_map(|t| t.chains.values()).filter(|c| c.ours).count();
    Held {
        hints: hints.map(ChainName::from).collect(),
        full_set: !by_us && full(MARK_MASQ) && full(POSTROUTING) && hook.is_some_and(jumps),
        kube_proxy: signs.find_map(|(t, c)| seen.chain(t, &c).map(|_| format!("{t} {c}"))),
        ours: ours_proven.max(usize::from(by_us)),
        our_hint: ours(HINT),
    }
}

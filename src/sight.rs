//! What has to be looked at, and what is seen there of others: evidence, a kube-proxy, what holds a hint. Pure.
use crate::chains::{HINT, KUBELET_CANARY, MARK_MASQ, OWN_DROP, POSTROUTING, is_canary};
use crate::config::{Config, Dialect};
use crate::policy::{Circumstances, policy, removable};
use chainkeeper_contract::{
    ChainName, ChainSeen, Family, Hook, Note, Observed, Ruleset, Scope, Snapshot, Table,
};
use serde::Serialize;

/// All that has to be looked at, whatever is seen there, and the chains by which kube-proxy shows.
pub fn scope(config: &Config) -> Scope {
    let both =
        [false, true].map(|kube_proxy| Circumstances { kube_proxy, ..Circumstances::default() });
    let sets: Vec<Ruleset> = config
        .families
        .iter()
        .flat_map(|f| both.map(|circumstances| policy(config, circumstances, *f)))
        .collect();
    let mut scope = Scope::of(&sets);
    // What tells of others is looked at along the way.
    let evidence = evidence_scope(config);
    scope.chains.extend(evidence.chains);
    scope.presence.extend(evidence.presence);
    for (hook, targets) in evidence.hooks {
        scope.hooks.entry(hook).or_default().extend(targets);
    }
    // A canary is there or not; nobody asks what is in it.
    let canary = |(_, chain): &(Table, ChainName)| is_canary(chain);
    scope.presence.extend(scope.chains.iter().filter(|place| canary(place)).cloned());
    scope.chains.retain(|place| !canary(place));
    scope.neighbours = config.dialect == Dialect::Native;
    scope
}

/// The scope of `remove`.
pub fn removal_scope(config: &Config) -> Scope {
    let sets: Vec<Ruleset> = config.families.iter().map(|f| removable(config, *f)).collect();
    Scope { references: true, ..Scope::of(&sets) }
}

fn kube_proxy_signs() -> Vec<(Table, ChainName)> {
    let canary = Table::ALL.map(|t| (t, ChainName::from("KUBE-PROXY-CANARY")));
    let services = [Table::Nat, Table::Filter].map(|t| (t, ChainName::from("KUBE-SERVICES")));
    canary.into_iter().chain(services).collect()
}

/// What a look tells of others. Our own CHAINKEEPER-DROP tells that a kube-proxy was seen earlier. Where a saved
/// ruleset brought it back at boot, it may be of an earlier one: then we stay beside a kube-proxy until `remove`.
pub fn circumstances(snapshot: &Snapshot) -> Circumstances {
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

/// What to say of a hint that is neither wanted nor there.
pub fn withheld(want: &Ruleset, seen: &Observed) -> Option<Note> {
    let (table, chain) = (Table::Mangle, ChainName::from(HINT));
    let off = want.chains.is_empty() || want.chain(table, &chain).is_some();
    (!off && seen.chain(table, &chain).is_none()).then_some(Note::Withheld { table, chain })
}

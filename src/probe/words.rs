//! The reasons in words: short, with the chain, table and family that a person can look at.
use super::seen::{Others, Seen};
use super::{Fact, Held, Kind, LegacyFacts, Remembered};
use chainkeeper_contract::Family;
use std::collections::BTreeMap;

/// What is said of a host both of whose backends hold rules of others begins so.
pub(super) const MIXED: &str = "mixed host";

/// The way out where there is no choice; `None`: that of a missing capability, which depends on the user.
pub(super) fn remedy(row: &str, legacy: &LegacyFacts) -> Option<String> {
    let tools = "install the package that has iptables-legacy-restore (Debian: iptables; elsewhere often \
                 iptables-legacy)";
    let capable = "run as uid 0 with CAP_NET_ADMIN and CAP_NET_RAW; the package's service gets them by its \
                   example legacy.conf; in a container: docker run --user 0 --cap-drop ALL --cap-add NET_ADMIN \
                   --cap-add NET_RAW -v /run/xtables.lock:/run/xtables.lock ...";
    let by_hand = "; or --backend nft, if you know that nobody uses legacy here";
    let lacking = match (&legacy.tools, &legacy.allowed) {
        (Err(_), _) => tools,
        (Ok(_), Fact::No(_)) => capable,
        (Ok(_), Fact::Yes | Fact::Unknown(_)) => "see `iptables-legacy-save`, run by hand",
    };
    Some(match row {
        "2" | "5" | "6" => return None,
        "7" => "run it again; if that does not help, --backend nft or legacy".into(),
        "9" => format!("run as uid 0, or with group 0, which may read that list{by_hand}"),
        "4" => lacking.to_owned(),
        "16" | "17" | "21" => format!("{lacking}{by_hand}"),
        _ => format!("load the module nf_tables; or, for legacy, {lacking}"),
    })
}

/// A backend as a place.
pub(super) fn side(kind: Kind) -> &'static str {
    match kind {
        Kind::Nft => "nf_tables",
        Kind::Legacy => "legacy",
    }
}

fn families(held: &BTreeMap<Family, Held>, is: impl Fn(&Held) -> bool) -> String {
    let named = held.iter().filter(|(_, held)| is(held)).map(|(family, _)| family.to_string());
    named.collect::<Vec<_>>().join(", ")
}

/// The hint of a backend and its families. A canary, which older kubelets write instead, comes second.
fn hint_at(seen: &Seen<'_>, kind: Kind) -> Option<(String, String)> {
    let held = seen.held(kind);
    let all = || held.values().flat_map(|h| &h.hints);
    let name = all().find(|n| n.as_str().ends_with("-HINT")).or_else(|| all().next())?;
    let place = families(held, |h| h.hints.contains(name));
    Some((name.to_string(), format!("{} ({place} mangle)", side(kind))))
}

/// `KUBE-IPTABLES-HINT is in nf_tables (ip, ip6 mangle)`.
pub(super) fn hint(seen: &Seen<'_>, kind: Kind) -> String {
    match hint_at(seen, kind) {
        Some((name, place)) => format!("{name} is in {place}"),
        None => format!("no hint is in {}", side(kind)),
    }
}

/// `KUBE-IPTABLES-HINT is in nf_tables (ip mangle) and in legacy (ip6 mangle)`.
pub(super) fn both_hints(seen: &Seen<'_>) -> String {
    let first = hint(seen, Kind::Nft);
    match (hint_at(seen, Kind::Nft), hint_at(seen, Kind::Legacy)) {
        (Some((nft, _)), Some((legacy, place))) if nft == legacy => {
            format!("{MIXED}: {first} and in {place}")
        }
        (_, _) => format!("{MIXED}: {first}, {}", hint(seen, Kind::Legacy)),
    }
}

/// `nat KUBE-SERVICES is in legacy (ip)`, or the complete set.
pub(super) fn kube(seen: &Seen<'_>, kind: Kind) -> String {
    let held = seen.held(kind);
    match held.values().find_map(|h| h.kube_proxy.clone()) {
        Some(sign) => {
            let place = families(held, |h| h.kube_proxy.as_ref() == Some(&sign));
            format!("kube-proxy's {sign} is in {} ({place})", side(kind))
        }
        None => format!("{} is in {}", full_set(seen, kind), side(kind)),
    }
}

/// KUBE-MARK-MASQ, KUBE-POSTROUTING and the jump to it, named by the middle one.
pub(super) fn full_set(seen: &Seen<'_>, kind: Kind) -> String {
    let place = families(seen.held(kind), |h| h.full_set);
    format!("a complete set ({place} nat KUBE-POSTROUTING)")
}

/// Why not legacy, where nobody uses it.
pub(super) fn unused(seen: &Seen<'_>) -> String {
    match seen.listed() {
        true => format!("its tables hold nothing of others ({})", listed(seen)),
        false => "no legacy table exists".to_owned(),
    }
}

/// Why not the backend in which somebody else's hint is not.
pub(super) fn would_hide(kind: Kind) -> String {
    format!("would hide our chains from kubelet, whose hint is in {kind}")
}

/// `ip: filter nat; ip6: filter`.
pub(super) fn listed(seen: &Seen<'_>) -> String {
    let names = seen.facts.legacy.names.iter().flatten();
    let full = names.filter(|(_, tables)| !tables.is_empty());
    full.map(|(family, tables)| format!("{family}: {}", tables.join(" ")))
        .collect::<Vec<_>>()
        .join("; ")
}

/// `12 rules of others (ip 10, ip6 2)`, or the policies, or the native tables.
pub(super) fn others(others: &Others) -> String {
    let count: usize = others.rules.values().sum();
    if count > 0 {
        let each: Vec<String> = others.rules.iter().map(|(f, n)| format!("{f} {n}")).collect();
        let rules = if count == 1 { "rule" } else { "rules" };
        return format!("{count} {rules} of others ({})", each.join(", "));
    }
    if let Some(first) = others.policies.first() {
        let more = and_more(others.policies.len());
        return format!("a policy other than ACCEPT ({first}{more})");
    }
    match others.native.first() {
        Some(first) => format!("table {first}{}", and_more(others.native.len())),
        None => "nothing".to_owned(),
    }
}

fn and_more(count: usize) -> String {
    match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

/// What else is in the backend that was not chosen.
pub(super) fn mixed(not_chosen: Kind, found: &Others) -> String {
    format!("{MIXED}: {} in {}, too", others(found), side(not_chosen))
}

/// Both backends hold rules of others.
pub(super) fn counts(nft: &Others, legacy: &Others) -> String {
    format!("{MIXED}: {} in nf_tables, {} in legacy", others(nft), others(legacy))
}

/// An earlier choice, where no hint and no kube-proxy in one backend alone says otherwise.
pub(super) fn earlier(remembered: &Remembered) -> String {
    format!("chosen earlier ({}); no hint of others says otherwise", remembered.from)
}

/// An earlier choice that is kept.
pub(super) fn staying(remembered: &Remembered) -> String {
    format!("staying with {} ({})", remembered.kind, remembered.from)
}

/// An earlier choice that cannot be kept.
pub(super) fn passed_over(remembered: &Remembered, why: &str) -> String {
    let Remembered { kind, from, .. } = remembered;
    format!("the earlier choice, {kind} ({from}), cannot be used: {why}")
}

/// Where our own chains are.
pub(super) fn our_chains(held: &BTreeMap<Family, Held>) -> String {
    format!("chains of ours are in {}", families(held, |h| h.ours > 0))
}

/// A module that nobody has loaded yet.
pub(super) fn kernel_unknown(why: &str) -> String {
    format!("whether the kernel has legacy tables shows at the first write: {why}")
}

/// Capabilities that could not be read.
pub(super) fn allowed_unknown(why: &str) -> String {
    format!("whether legacy may be written shows at the first write: {why}")
}

/// A sentence beside another, if there is one.
pub(super) fn and(first: &str, second: Option<String>) -> String {
    match second {
        Some(second) => format!("{first}; {second}"),
        None => first.to_owned(),
    }
}

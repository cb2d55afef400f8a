//! The same without some right: what cannot be read is named, never taken for empty.
use super::{HINT4, answer, host, look};
use crate::support::nobody;

const NO_RAW: &str = "setpriv --bounding-set=-net_raw --inh-caps=-net_raw";
const NO_ADMIN: &str = "setpriv --bounding-set=-net_admin --inh-caps=-net_admin";

/// What an answer is to begin with, on hosts without any rule, with kubelet's hint in nf_tables (alone, and
/// beside a legacy table), with it in legacy, and with rules in legacy's filter alone.
type Expected = [&'static str; 5];

fn answers(before: &str, expected: Expected) {
    let (nft, legacy) = (format!("iptables-nft {HINT4}"), format!("iptables-legacy {HINT4}"));
    let rule = "iptables-legacy -A INPUT -p tcp -j ACCEPT";
    let setups = ["true", &nft, &format!("{nft}; {rule}"), &legacy, rule];
    for (setup, expected) in setups.into_iter().zip(expected) {
        let said = look(&host("", setup), before);
        let answer = answer(&said);
        assert!(answer.starts_with(expected), "{before}: {setup}: {answer}");
    }
}

/// Where the list of legacy tables can be read, and the tables cannot.
const UNREAD: [&str; 5] = [
    "nft 24 nothing, no hint",
    "nft 10 evidence, hint",
    "nft 8b evidence, hint",
    "exit 4: a legacy mangle table exists and could not be read: ",
    "exit 4: a legacy filter table exists and could not be read: ",
];

#[test]
fn without_net_raw_legacy_tables_are_there_and_unread() {
    answers(NO_RAW, UNREAD);
}

#[test]
fn without_net_admin_nothing_is_guessed() {
    answers(NO_ADMIN, ["exit 4: nf_tables could not be read: "; 5]);
}

/// The list of legacy tables is for uid 0 and gid 0. Without it only kubelet's hint tells enough.
#[test]
fn nobody_with_net_admin_follows_a_hint_only() {
    let Some(nobody) = nobody(65534, "+net_admin") else { return };
    let unread = "exit 4: legacy may hold kubelet's rules and could not be read: ";
    let hint = "nft 8 evidence, hint";
    answers(&nobody, [unread, hint, hint, unread, unread]);
}

#[test]
fn nobody_of_roots_group_reads_the_list() {
    let Some(nobody) = nobody(0, "+net_admin") else { return };
    answers(&nobody, UNREAD);
}

#[test]
fn nobody_with_both_capabilities_and_roots_group_sees_all() {
    let Some(nobody) = nobody(0, "+net_admin,+net_raw") else { return };
    answers(
        &nobody,
        [
            "nft 24 nothing, no hint",
            "nft 10 evidence, hint",
            "nft 11 evidence, hint",
            "legacy 15 evidence, hint",
            "legacy 21 evidence, hint",
        ],
    );
}

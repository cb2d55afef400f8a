//! A kubelet that makes the same chains: each takes the other's for its own, and nobody writes.
use super::others::{BOTH, kubelet_rules_found, kubelet_starts, saves};
use super::{FULL, applied_in_full, writes_nothing};
use crate::support::Host;

#[test]
fn kubelets_check_finds_each_of_our_rules() {
    let host = applied_in_full();
    // Two jumps to KUBE-FIREWALL and one to KUBE-POSTROUTING, two marks, three that masquerade, the
    // drop rule, and for IPv4 the localnet rule.
    let all = [10, 9];
    assert_eq!(BOTH.map(|program| kubelet_rules_found(&host, program)), all);
}

#[test]
fn a_kubelet_that_starts_after_us_writes_nothing() {
    let host = applied_in_full();
    let before = host.generation();
    kubelet_starts(&host);
    assert_eq!(host.generation(), before, "kubelet wrote something");
    assert_eq!(saves(&host), FULL);
}

/// Its canary is kubelet's own then: ours stands beside it, and to lack that alone is no drift.
#[test]
fn what_a_kubelet_made_is_in_sync() {
    let host = Host::new();
    kubelet_starts(&host);
    assert_eq!(saves(&host), FULL);
    let before = host.generation();
    let diff = host.ck_ok("--profile full diff", 0);
    assert!(writes_nothing(&diff), "{diff}");
    assert_eq!(diff.matches("  = CHAINKEEPER-CANARY").count(), 6, "{diff}");
    assert_eq!(host.generation(), before);
}

#[test]
fn what_a_kubelet_made_is_left_by_remove() {
    let host = Host::new();
    kubelet_starts(&host);
    let theirs = saves(&host);
    host.ck_ok("--profile full remove", 0);
    assert_eq!(saves(&host), theirs);
    // Nor does an apply between make anything of theirs ours.
    host.ck_ok("--profile full apply", 0);
    assert!(saves(&host).iter().all(|s| s.matches(":CHAINKEEPER-CANARY").count() == 3));
    host.ck_ok("--profile full remove", 0);
    assert_eq!(saves(&host), theirs);
}

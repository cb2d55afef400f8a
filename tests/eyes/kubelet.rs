//! A kubelet that makes the same chains: each takes the other's for its own, and nobody writes.
//! What takes `programs` is run by `versions` with each iptables.
use super::others::{BOTH, kubelet_rules, kubelet_starts, saves, saves_by};
use super::{FULL, applied_in_full, writes_nothing};
use crate::support::Host;

/// Two jumps to KUBE-FIREWALL and one to KUBE-POSTROUTING, two marks, three that masquerade, the
/// drop rule, and for IPv4 the localnet rule.
const RULES: [usize; 2] = [10, 9];

pub(super) fn kubelets_check_finds_each_of_our_rules(programs: [&str; 2]) {
    let host = applied_in_full();
    assert_eq!(programs.map(|program| kubelet_rules(&host, program, "-C")), RULES);
}

pub(super) fn each_of_our_rules_is_deleted_by_name_and_comes_back(programs: [&str; 2]) {
    let host = applied_in_full();
    assert_eq!(programs.map(|program| kubelet_rules(&host, program, "-D")), RULES);
    for save in saves_by(&host, programs) {
        assert!(save.contains(":KUBE-FIREWALL") && !save.contains("-A "), "{save}");
    }
    host.ck_ok("--profile full apply", 0);
    assert_eq!(saves_by(&host, programs), FULL);
}

pub(super) fn a_kubelet_that_starts_after_us_writes_nothing(programs: [&str; 2]) {
    let host = applied_in_full();
    let before = host.generation();
    kubelet_starts(&host, programs);
    assert_eq!(host.generation(), before, "kubelet wrote something");
    assert_eq!(saves_by(&host, programs), FULL);
}

/// Its canary is kubelet's own then: ours stands beside it, and to lack that alone is no drift.
pub(super) fn what_a_kubelet_made_is_in_sync(programs: [&str; 2]) {
    let host = Host::new();
    kubelet_starts(&host, programs);
    assert_eq!(saves_by(&host, programs), FULL);
    assert_eq!(saves(&host), FULL, "as the installed iptables sees it");
    let before = host.generation();
    let diff = host.ck_ok("--profile full diff", 0);
    assert!(writes_nothing(&diff), "{diff}");
    assert_eq!(diff.matches("  = CHAINKEEPER-CANARY").count(), 6, "{diff}");
    assert_eq!(host.generation(), before);
}

#[test]
fn what_a_kubelet_made_is_left_by_remove() {
    let host = Host::new();
    kubelet_starts(&host, BOTH);
    let theirs = saves(&host);
    host.ck_ok("--profile full remove", 0);
    assert_eq!(saves(&host), theirs);
    // Nor does an apply between make anything of theirs ours.
    host.ck_ok("--profile full apply", 0);
    assert!(saves(&host).iter().all(|s| s.matches(":CHAINKEEPER-CANARY").count() == 3));
    host.ck_ok("--profile full remove", 0);
    assert_eq!(saves(&host), theirs);
}

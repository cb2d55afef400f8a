//! A kubelet that makes the same chains: each takes the other's for its own, and nobody writes.
//! What takes `Eyes` is run by `versions` with each iptables.
use super::others::{Eyes, INSTALLED, kubelet_rules, kubelet_starts, saves};
use super::{FULL, writes_nothing};

/// Two jumps to KUBE-FIREWALL and one to KUBE-POSTROUTING, two marks, three that masquerade, the
/// drop rule, and for IPv4 the localnet rule.
const RULES: [usize; 2] = [10, 9];

pub(super) fn kubelets_check_finds_each_of_our_rules(eyes: Eyes<'_>) {
    let host = eyes.applied_in_full();
    assert_eq!(eyes.programs.map(|program| kubelet_rules(&host, program, "-C")), RULES);
}

pub(super) fn each_of_our_rules_is_deleted_by_name_and_comes_back(eyes: Eyes<'_>) {
    let host = eyes.applied_in_full();
    assert_eq!(eyes.programs.map(|program| kubelet_rules(&host, program, "-D")), RULES);
    for save in eyes.saves(&host) {
        assert!(save.contains(":KUBE-FIREWALL") && !save.contains("-A "), "{save}");
    }
    host.ck_ok("--profile full apply", 0);
    assert_eq!(eyes.saves(&host), FULL);
}

pub(super) fn a_kubelet_that_starts_after_us_writes_nothing(eyes: Eyes<'_>) {
    let host = eyes.applied_in_full();
    let before = host.writes();
    kubelet_starts(&host, eyes);
    assert_eq!(host.writes(), before, "kubelet wrote something");
    assert_eq!(eyes.saves(&host), FULL);
}

/// Its canary is kubelet's own then: ours stands beside it, and to lack that alone is no drift.
pub(super) fn what_a_kubelet_made_is_in_sync(eyes: Eyes<'_>) {
    let host = eyes.host();
    kubelet_starts(&host, eyes);
    assert_eq!(eyes.saves(&host), FULL);
    assert_eq!(saves(&host), FULL, "as the installed iptables sees it");
    let before = host.writes();
    let diff = host.ck_ok("--profile full diff", 0);
    assert!(writes_nothing(&diff), "{diff}");
    assert_eq!(diff.matches("  = CHAINKEEPER-CANARY").count(), 6, "{diff}");
    assert_eq!(host.writes(), before);
}

#[test]
fn what_a_kubelet_made_is_left_by_remove() {
    for eyes in INSTALLED {
        let host = eyes.host();
        kubelet_starts(&host, eyes);
        let theirs = saves(&host);
        host.ck_ok("--profile full remove", 0);
        assert_eq!(saves(&host), theirs);
        // Nor does an apply between make anything of theirs ours.
        host.ck_ok("--profile full apply", 0);
        assert!(saves(&host).iter().all(|s| s.matches(":CHAINKEEPER-CANARY").count() == 3));
        host.ck_ok("--profile full remove", 0);
        assert_eq!(saves(&host), theirs);
    }
}

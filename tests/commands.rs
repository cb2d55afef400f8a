//! The commands from outside: what they print, how they exit, that an idle pass is silent.
use crate::support::Host;

#[test]
fn apply_then_diff_then_apply_is_idle_and_leaves_the_generation_alone() {
    let host = Host::new();
    let text = host.ck_ok("diff", 1);
    assert!(text.contains("Nothing was written; `chainkeeper apply` does it."), "{text}");
    assert_eq!(host.generation(), 1, "diff wrote something");
    let text = host.ck_ok("apply", 0);
    assert!(text.contains("one commit, generation 1 -> 2"), "{text}");
    host.ck_ok("diff", 0);
    let text = host.ck_ok("apply", 0);
    assert_eq!(text, "in sync, nothing written (generation 2)\n");
    assert_eq!(host.generation(), 2);
}

#[test]
fn remove_leaves_no_chain_of_ours() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    host.ck_ok("remove", 0);
    let left = host.sh("nft list ruleset");
    assert!(!left.contains("KUBE") && !left.contains("CHAINKEEPER"), "{left}");
    assert!(host.ck_ok("remove", 0).contains("nothing of ours to remove"));
}

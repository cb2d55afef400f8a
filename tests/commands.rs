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

#[test]
fn our_drop_rule_moves_out_of_kube_firewall_when_a_kube_proxy_comes() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    host.sh("iptables-nft -t mangle -N KUBE-PROXY-CANARY");
    // One of ours is lost as well: the repair goes before the rule that moves out.
    host.sh("iptables-nft -D KUBE-FIREWALL 2");
    host.ck_ok("apply", 0);
    for tool in ["iptables-nft", "ip6tables-nft"] {
        let rules = host.sh(&format!("{tool} -S KUBE-FIREWALL; {tool} -S CHAINKEEPER-DROP"));
        let drops: Vec<&str> = rules.lines().filter(|l| l.contains("0x8000")).collect();
        assert_eq!(drops.len(), 1, "{rules}");
        assert!(drops[0].starts_with("-A CHAINKEEPER-DROP"), "{rules}");
    }
    assert!(!host.ck_ok("diff", 0).contains("foreign"));
}

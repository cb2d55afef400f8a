//! Tables and base chains that are not as iptables makes them: named, left alone, and no reason not
//! to do the rest. In nf_tables only: legacy's tables and built-in chains are the kernel's own.
use super::{NFT_ONLY, chain, our_chains, rules};
use crate::support::in_one_line;
use crate::support::{Host, eventually};

const REST_WITHOUT_NAT: [&str; 4] = [
    "filter KUBE-FIREWALL",
    "filter KUBE-KUBELET-CANARY",
    "mangle KUBE-IPTABLES-HINT",
    "mangle KUBE-KUBELET-CANARY",
];

/// The other family is as it should be.
fn assert_other_family_is_whole(host: &Host, family: &str) {
    let other = if family == "ip" { "ipv6" } else { "ipv4" };
    host.ck_ok(&format!("diff --family {other}"), 0);
}

#[test]
fn input_at_another_priority_gets_no_jump() {
    for (_, family) in NFT_ONLY {
        let host = Host::new();
        let filter = format!("{family} filter");
        host.sh(&format!(
            "nft add table {filter}
             nft 'add chain {filter} INPUT {{ type filter hook input priority 10; policy drop; }}'
             nft add rule {filter} INPUT tcp dport 22 counter accept"
        ));
        let theirs = chain(&host, &filter, "INPUT");
        let words = "not iptables' built-in chain: \
                     type filter hook 1 priority 10; no jump is put there";
        let text = in_one_line(&host.ck_ok("diff", 1));
        assert!(text.contains(&format!("! INPUT {words}")), "{text}");
        let text = in_one_line(&host.ck_ok("apply", 5));
        assert!(text.contains(&format!("{family} ! filter INPUT: {words}")), "{text}");

        assert_eq!(chain(&host, &filter, "INPUT"), theirs);
        assert_eq!(our_chains(&host, family).len(), 8);
        let output = chain(&host, &filter, "OUTPUT").join("\n");
        assert!(output.contains("jump KUBE-FIREWALL"), "{output}");
        assert_other_family_is_whole(&host, family);
        // What is left is the problem alone: it stays wrong, and nothing is written for it.
        let before = host.generation();
        host.ck_ok("apply", 5);
        host.ck_ok("diff", 1);
        assert_eq!(host.generation(), before);
    }
}

#[test]
fn input_on_another_hook_or_on_none_gets_no_jump() {
    let cases = [
        ("{ type filter hook forward priority 0; }", "type filter hook 2 priority 0"),
        ("", "a regular chain"),
    ];
    for (definition, found) in cases {
        let host = Host::new();
        host.sh(&format!("nft add table ip filter; nft 'add chain ip filter INPUT {definition}'"));
        let theirs = chain(&host, "ip filter", "INPUT");
        let text = in_one_line(&host.ck_ok("diff", 1));
        assert!(text.contains(found), "{text}");
        host.ck_ok("apply", 5);
        assert_eq!(chain(&host, "ip filter", "INPUT"), theirs);
    }
}

/// We never put a jump there: one that is there is somebody else's, however it looks.
#[test]
fn a_jump_from_somebodys_own_input_keeps_our_chain() {
    for (_, family) in NFT_ONLY {
        let host = Host::new();
        let filter = format!("{family} filter");
        host.sh(&format!(
            "nft add table {filter}
             nft 'add chain {filter} INPUT {{ type filter hook input priority 10; }}'"
        ));
        host.ck_ok("apply", 5);
        host.sh(&format!("nft add rule {filter} INPUT counter jump KUBE-FIREWALL"));
        let theirs = chain(&host, &filter, "INPUT");
        let text = host.ck_ok("remove", 0);
        assert_eq!(chain(&host, &filter, "INPUT"), theirs, "{text}");
        assert!(text.contains("kept filter KUBE-FIREWALL: INPUT jumps to it"), "{text}");
        assert_eq!(our_chains(&host, family), ["filter KUBE-FIREWALL"]);
    }
}

#[test]
fn a_dormant_table_stays_dormant_and_empty() {
    for (tool, family) in NFT_ONLY {
        let host = Host::new();
        host.sh(&format!("nft 'add table {family} nat {{ flags dormant; }}'"));
        let words = "the table is dormant: it hooks nothing";
        let text = in_one_line(&host.ck_ok("diff", 1));
        assert!(text.contains(&format!("! nat {words}")), "{text}");
        let text = in_one_line(&host.ck_ok("apply", 5));
        assert!(text.contains(&format!("{family} ! nat: {words}")), "{text}");

        let nat = host.sh(&format!("nft list table {family} nat"));
        assert_eq!(nat, format!("table {family} nat {{\n\tflags dormant\n}}\n"));
        assert_eq!(our_chains(&host, family), REST_WITHOUT_NAT);
        assert_eq!(rules(&host, tool, "filter", "INPUT"), ["-A INPUT -j KUBE-FIREWALL"]);
        assert_other_family_is_whole(&host, family);
    }
}

#[test]
fn an_owned_table_is_left_to_its_owner() {
    for (tool, family) in NFT_ONLY {
        let host = Host::new();
        // The table lives as long as the socket of the process that made it.
        let mut owner = host.start("nft", "-i");
        owner.tell(&format!("add table {family} nat {{ flags owner; }}"));
        let there = || host.sh("nft list tables").contains(&format!("table {family} nat"));
        eventually("the owned table is there", there);

        let words = "another process owns the table (netlink port ";
        let text = in_one_line(&host.ck_ok("diff", 1));
        assert!(text.contains(&format!("! nat {words}")), "{text}");
        let text = in_one_line(&host.ck_ok("apply", 5));
        assert!(text.contains(&format!("{family} ! nat: {words}")), "{text}");
        assert_eq!(our_chains(&host, family), REST_WITHOUT_NAT);
        assert_eq!(rules(&host, tool, "filter", "INPUT"), ["-A INPUT -j KUBE-FIREWALL"]);
        assert_other_family_is_whole(&host, family);
        assert!(there(), "the owner's table is gone");

        // When its owner goes, so does the table, and the next apply does the rest.
        drop(owner);
        eventually("the owned table is gone", || !there());
        host.ck_ok("apply", 0);
        assert_eq!(our_chains(&host, family).len(), 8);
    }
}

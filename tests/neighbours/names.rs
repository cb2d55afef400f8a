//! Chains with our names that somebody else created.
use super::{
    COUNTED, DROP_LOCALNET, DROP_MARKED, NFT_ONLY, apply_once, chain, identity, our_chains, rules,
    stays_as_it_is,
};
use crate::support::in_one_line;
use crate::support::{EVERYWHERE, Host};

#[test]
fn a_chain_of_our_name_keeps_its_rule_first_and_outlives_remove() {
    for (on, tool, family) in EVERYWHERE {
        let host = Host::of(on);
        host.sh(&format!(
            "{tool} -N KUBE-FIREWALL; {tool} -A KUBE-FIREWALL {COUNTED} -p tcp --dport 9 -j ACCEPT"
        ));
        let filter = format!("{family} filter");
        let theirs = identity(&chain(&host, &filter, "KUBE-FIREWALL"), "accept");
        apply_once(&host, "");

        let first = "-A KUBE-FIREWALL -p tcp -m tcp --dport 9 -j ACCEPT";
        let both = [first, DROP_MARKED, DROP_LOCALNET];
        let all = if family == "ip" { &both[..] } else { &both[..2] };
        assert_eq!(rules(&host, tool, "filter", "KUBE-FIREWALL"), all);
        let text = stays_as_it_is(&host);
        assert!(text.contains("KUBE-FIREWALL       1 foreign rule before ours, kept"), "{text}");

        // The mark alone decides what remove takes: a chain without it stays, with our rules in it
        // and with the jumps to it.
        let text = host.ck_ok("remove", 0);
        let why = "kept filter KUBE-FIREWALL: nothing proves that we made it";
        assert!(text.contains(why), "{text}");
        assert_eq!(our_chains(&host, family), ["filter KUBE-FIREWALL"]);
        assert_eq!(rules(&host, tool, "filter", "KUBE-FIREWALL"), all);
        assert_eq!(rules(&host, tool, "filter", "INPUT"), ["-A INPUT -j KUBE-FIREWALL"]);
        assert_eq!(identity(&chain(&host, &filter, "KUBE-FIREWALL"), "accept"), theirs);

        // With --force our rules go; their rule keeps the chain and its jumps.
        let text = host.ck_ok("remove --force", 0);
        assert!(
            text.contains("kept filter KUBE-FIREWALL: it holds a rule that is not ours"),
            "{text}"
        );
        assert_eq!(rules(&host, tool, "filter", "KUBE-FIREWALL"), [first]);
        assert_eq!(rules(&host, tool, "filter", "INPUT"), ["-A INPUT -j KUBE-FIREWALL"]);
        assert_eq!(identity(&chain(&host, &filter, "KUBE-FIREWALL"), "accept"), theirs);
    }
}

#[test]
fn an_empty_chain_of_our_name_is_filled_and_only_force_takes_it() {
    for (on, tool, family) in EVERYWHERE {
        let host = Host::of(on);
        host.sh(&format!("{tool} -t nat -N KUBE-MARK-MASQ"));
        apply_once(&host, "");
        host.ck_ok("remove", 0);
        // Whoever made the chain may jump to it any time: what acts on its marks stays too.
        assert_eq!(our_chains(&host, family), ["nat KUBE-MARK-MASQ", "nat KUBE-POSTROUTING"]);
        host.ck_ok("remove --force", 0);
        assert_eq!(our_chains(&host, family), [""; 0]);
    }
}

/// On nft: legacy's built-in chains are the kernel's, by their own names.
#[test]
fn a_base_chain_of_our_name_is_a_problem_and_left_alone() {
    for (_, family) in NFT_ONLY {
        let host = Host::new();
        let filter = format!("{family} filter");
        host.sh(&format!(
            "nft add table {filter}
             nft 'add chain {filter} KUBE-FIREWALL {{ type filter hook forward priority 5; }}'
             nft add rule {filter} KUBE-FIREWALL tcp dport 9 counter accept"
        ));
        let theirs = chain(&host, &filter, "KUBE-FIREWALL");
        let words = "a base chain of somebody else has our name: type filter hook 2 priority 5";
        let text = in_one_line(&host.ck_ok("diff", 1));
        assert!(text.contains(&format!("! KUBE-FIREWALL {words}")), "{text}");

        let text = in_one_line(&host.ck_ok("apply", 5));
        assert!(text.contains(&format!("{family} ! filter KUBE-FIREWALL: {words}")), "{text}");
        assert_eq!(chain(&host, &filter, "KUBE-FIREWALL"), theirs);
        let ruleset = host.sh(&format!("nft list table {filter}"));
        assert!(!ruleset.contains("jump KUBE-FIREWALL"), "{ruleset}");
        let all = [
            "filter KUBE-FIREWALL",
            "filter KUBE-KUBELET-CANARY",
            "mangle KUBE-IPTABLES-HINT",
            "mangle KUBE-KUBELET-CANARY",
            "nat KUBE-KUBELET-CANARY",
            "nat KUBE-MARK-DROP",
            "nat KUBE-MARK-MASQ",
            "nat KUBE-POSTROUTING",
        ];
        assert_eq!(our_chains(&host, family), all);

        host.ck_ok("remove --force", 0);
        assert_eq!(chain(&host, &filter, "KUBE-FIREWALL"), theirs);
        assert_eq!(our_chains(&host, family), ["filter KUBE-FIREWALL"]);
    }
}

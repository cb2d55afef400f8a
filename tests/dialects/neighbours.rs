//! The native dialect beside those who use iptables-nft, or nft alone.
use super::{NATIVE, native, nft};
use crate::support::{Host, in_one_line};

const WOULD: &str = "left alone unless --force-dialect: native rules would hide ";

/// What another program does with iptables-nft keeps the family's rules away, unless forced.
#[test]
fn a_family_in_which_iptables_is_used_is_left_alone_unless_forced() {
    for (rule, shown) in [
        ("-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.1", "PREROUTING (meta, "),
        ("-t nat -A POSTROUTING -s 10.0.0.0/8 -j RETURN", "POSTROUTING -s 10.0.0.0/8 -j RETURN"),
        ("-t nat -A POSTROUTING -p icmp -j TRACE", "POSTROUTING (meta, "),
        // Without our mark, our names are no excuse.
        (
            "-t nat -N KUBE-MARK-MASQ; iptables-nft -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
            "-j MARK",
        ),
    ] {
        let host = Host::new();
        host.sh(&format!("iptables-nft {rule}"));
        let before = host.sh("nft list table ip nat");
        for (command, code) in [("diff", 1), ("apply", 5), ("apply", 5)] {
            let said = in_one_line(&host.ck_ok(&format!("{NATIVE} {command}"), code));
            let (_, rule) = said.split_once(WOULD).expect("it is refused");
            assert!(rule.contains(shown), "{said}");
            // The other half would be marks that nobody acts on.
            assert!(
                said.contains("left alone with table nat: marks must mean something"),
                "{said}"
            );
        }
        assert_eq!(host.sh("nft list table ip nat"), before);
        let list = nft(&host);
        assert_eq!(list.matches("jump KUBE-FIREWALL").count(), 2, "ip6 only: {list}");
        assert!(host.sh("nft list table ip6 nat").contains("masquerade fully-random"));
        let said = host.ck_ok(&format!("{NATIVE} --force-dialect apply"), 0);
        assert!(said.contains("native rules hide others from iptables-nft: "), "{said}");
        assert!(host.sh("nft list table ip nat").contains("masquerade fully-random"));
    }
}

/// Somebody's own jump into a chain of ours is his rule; ours alone is not.
#[test]
fn a_rule_that_jumps_to_our_chain_on_a_condition_is_a_neighbour() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    host.sh("nft flush chain ip filter KUBE-FIREWALL");
    for condition in ["-p tcp --dport 80", "-s 10.0.0.0/8"] {
        host.sh(&format!("iptables-nft -A INPUT {condition} -j KUBE-FIREWALL"));
        let said = in_one_line(&host.ck_ok(&format!("{NATIVE} diff"), 1));
        assert!(said.contains(WOULD), "{said}");
        host.sh(&format!("iptables-nft -D INPUT {condition} -j KUBE-FIREWALL"));
    }
    host.ck_ok(&format!("{NATIVE} apply"), 0);
}

/// Rules that iptables-nft could not read before us, or that nft alone would write, lose nothing.
#[test]
fn rules_of_nft_itself_do_not_keep_us_away() {
    for rules in ["ct state new counter accept", "tcp dport 80 accept"] {
        let host = Host::new();
        host.sh(&format!(
            "nft add table ip nat; nft add chain ip nat own; nft add rule ip nat own {rules}"
        ));
        let said = host.ck_ok(&format!("{NATIVE} apply"), 0);
        assert!(!said.contains("hide"), "{said}");
        assert!(host.sh("nft list table ip nat").contains("masquerade fully-random"));
    }
}

/// A native mark alone hides nothing: 1.8.11 reads it as its own.
#[test]
fn a_mark_set_by_nft_is_no_licence_to_hide_the_table() {
    let host = Host::new();
    host.sh("iptables-nft -A INPUT -s 10.0.0.9 -j ACCEPT; nft add chain ip filter mine; \
             nft add rule ip filter mine meta mark set 1 counter");
    let said = in_one_line(&host.ck_ok(&format!("{NATIVE} apply"), 5));
    assert!(said.contains(WOULD), "{said}");
    host.ck_ok("apply", 0);
    let said = host.ck_ok("diff", 0);
    assert!(!said.contains("hides"), "{said}");
}

/// Nor is half a family written into a table that is hidden anyway.
#[test]
fn a_hidden_table_with_a_neighbour_is_held_back_with_the_other() {
    let host = Host::new();
    host.sh("iptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.1; \
             nft add chain ip nat mine; nft add rule ip nat mine ct state new counter; \
             iptables-nft -A INPUT -s 10.0.0.9 -j ACCEPT");
    let said = in_one_line(&host.ck_ok(&format!("{NATIVE} apply"), 5));
    assert!(said.contains("left alone with table filter"), "{said}");
    assert!(!host.sh("nft list table ip nat").contains("KUBE-"), "half of it was written");
}

/// Where the table is hidden already, a repair takes nothing away from anybody.
#[test]
fn beside_native_rules_that_are_there_a_repair_is_made_and_the_neighbour_reported() {
    let host = native();
    let whole = host.sh("nft list chain ip filter KUBE-FIREWALL");
    host.sh(
        "iptables-nft -A FORWARD -s 10.0.0.0/8 -j ACCEPT; nft flush chain ip nat KUBE-MARK-MASQ",
    );
    host.sh("nft delete rule ip filter KUBE-FIREWALL handle $(nft -a list chain ip filter \
             KUBE-FIREWALL | sed -n 's/.*invalid.* # handle //p' | head -1)");
    assert_ne!(host.sh("nft list chain ip filter KUBE-FIREWALL"), whole);
    let said = in_one_line(&host.ck_ok(&format!("{NATIVE} apply"), 0));
    let note = "native rules hide others from iptables-nft: FORWARD -s 10.0.0.0/8 ";
    assert!(said.contains(note) || said.contains("FORWARD ("), "{said}");
    assert_eq!(host.sh("nft list chain ip filter KUBE-FIREWALL"), whole);
}

/// kubelet ensures its localnet rule in the chain that we made, and kube-proxy writes it anew: it does
/// what our native pair does, so neither is fought.
#[test]
fn the_localnet_rule_of_kubelet_and_kube_proxy_is_not_fought() {
    let rule = "! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment 'block incoming localnet \
                connections' -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP";
    let host = native();
    host.sh(&format!("iptables-nft -A KUBE-FIREWALL {rule}"));
    for _ in 0..2 {
        // To kubelet 1 says "not there". Beside native rules `-C` of 1.8.9 fails with 3 instead, which it
        // reports and leaves alone.
        host.sh(&format!(
            "iptables-nft -C KUBE-FIREWALL {rule} || [ $? != 1 ] || \
             iptables-nft -A KUBE-FIREWALL {rule}"
        ));
        let generation = host.generation();
        host.ck_ok(&format!("{NATIVE} apply"), 0);
        assert_eq!(host.generation(), generation, "kubelet is fought");
        let diff = host.ck_ok(&format!("{NATIVE} diff"), 0);
        assert!(diff.contains("KUBE-FIREWALL       1 foreign rule after ours, kept"), "{diff}");
    }
    host.sh("iptables-nft -t nat -N KUBE-SERVICES"); // the sign of a kube-proxy
    for _ in 0..2 {
        host.sh(&format!(
            "iptables-nft-restore --noflush <<END\n*filter\n:KUBE-FIREWALL - [0:0]\n\
             -A KUBE-FIREWALL {}\nCOMMIT\nEND",
            rule.replace('\'', "\"")
        ));
        let chain = host.sh("nft list chain ip filter KUBE-FIREWALL");
        host.ck_ok(&format!("{NATIVE} --force-dialect apply"), 0);
        assert_eq!(host.sh("nft list chain ip filter KUBE-FIREWALL"), chain, "it is fought");
    }
}

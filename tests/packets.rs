//! What the chains do to packets: real datagrams between two namespaces. Who watches them, or marks them
//! on their way in, is a table of nftables: that is beside both backends.
mod counted;
mod pair;

use chainkeeper_contract::Family;
use pair::{EAR, Packet, Pair, Way, hits, localnet_hits};

const MASQUERADE: u32 = 0x4000;
const DROP: u32 = 0x8000;

fn in_each_family_and_way(test: impl Fn(&Pair)) {
    for family in Family::ALL {
        in_each_way(family, &test);
    }
}

fn in_each_way(family: Family, test: impl Fn(&Pair)) {
    for way in Way::ALL {
        test(&Pair::new(family, way));
    }
}

#[test]
fn a_marked_packet_leaves_masqueraded_and_unmarked() {
    in_each_family_and_way(|pair| {
        let counted = format!("udp dport {EAR} meta mark and 0x4000");
        let hook = "type filter hook postrouting priority 150";
        let marked = format!("{counted} == 0x4000 counter name marked");
        let unmarked = format!("{counted} == 0 counter name unmarked");
        let chain = format!("chain later {{ {hook}; {marked}; {unmarked}; }}");
        pair.watch(&pair.sender, &format!("counter marked {{ }}; counter unmarked {{ }}; {chain}"));
        assert_eq!(pair.send(MASQUERADE), Some(pair.second), "before apply");
        assert_eq!(pair.left(), [1, 0], "before apply");
        pair.apply(&pair.sender);
        assert_eq!(pair.send(MASQUERADE), Some(pair.near));
        assert_eq!(pair.left(), [1, 1], "it kept its mark");
        assert_eq!(pair.send(0), Some(pair.second), "it was not marked");
        assert_eq!(pair.left(), [1, 2]);
    });
}

#[test]
fn other_bits_of_the_mark_neither_hide_nor_imitate_ours() {
    in_each_family_and_way(|pair| {
        pair.apply(&pair.sender);
        assert_eq!(pair.send(MASQUERADE | 0x10001), Some(pair.near));
        assert_eq!(pair.send(DROP | 0x10001), None);
        assert_eq!(pair.send(!(MASQUERADE | DROP)), Some(pair.second));
    });
}

#[test]
fn a_packet_sent_through_the_mark_chains_is_masqueraded_or_dropped() {
    in_each_family_and_way(|pair| {
        pair.apply(&pair.sender);
        assert_eq!(pair.send(0), Some(pair.second), "nothing marks it yet");
        pair.mark_by("KUBE-MARK-MASQ");
        assert_eq!(pair.send(0), Some(pair.near));
        pair.mark_by("KUBE-MARK-DROP");
        assert_eq!(pair.send(0), None);
    });
}

#[test]
fn a_packet_marked_for_dropping_does_not_go_out() {
    in_each_family_and_way(|pair| {
        assert_eq!(pair.send(DROP), Some(pair.second), "before apply");
        pair.apply(&pair.sender);
        assert_eq!(pair.send(DROP), None);
        assert_eq!(pair.send(0), Some(pair.second), "it was not marked");
    });
}

#[test]
fn a_packet_marked_for_dropping_does_not_come_in() {
    in_each_family_and_way(|pair| {
        let mark = format!("{} saddr {} meta mark set 0x8000", pair.family.nft_name(), pair.second);
        let hook = "type filter hook prerouting priority 0";
        pair.watch(&pair.receiver, &format!("chain earlier {{ {hook}; {mark}; }}"));
        assert_eq!(pair.send(0), Some(pair.second), "before apply");
        pair.apply(&pair.receiver);
        assert_eq!(pair.send(0), None);
        assert_eq!(pair.deliver(pair.plain(), pair.peer), Some(pair.near), "it was not marked");
    });
}

/// CVE-2020-8558, with a neighbour on the link as the attacker.
#[test]
fn a_service_on_localhost_is_not_reached_from_outside() {
    in_each_way(Family::Ipv4, |pair| {
        let localhost = "127.0.0.1".parse().expect("an address");
        let attack = Packet { to: localhost, ..pair.plain() };
        pair.attack_localhost();
        assert_eq!(pair.deliver(attack, localhost), Some(pair.near), "before apply");
        pair.apply(&pair.receiver);
        let hits = || localnet_hits(&pair.receiver);
        assert_eq!(pair.deliver(attack, localhost), None);
        assert_eq!(hits(), 1);
        // Without a connection it is no better.
        let hook = "type filter hook prerouting priority -300";
        pair.watch(&pair.receiver, &format!("chain raw {{ {hook}; udp dport {EAR} notrack; }}"));
        assert_eq!(pair.deliver(attack, localhost), None, "untracked");
        assert_eq!(hits(), 2);
        pair.receiver.sh("nft delete table ip watch");
        // What route_localnet is for: node ports, which kube-proxy and portmap turn to localhost.
        let hook = "type nat hook prerouting priority -100";
        let dnat = format!("udp dport {EAR} dnat to {localhost}");
        pair.watch(&pair.receiver, &format!("chain ports {{ {hook}; {dnat}; }}"));
        assert_eq!(pair.deliver(pair.plain(), localhost), Some(pair.near));
        assert_eq!(hits(), 2);
    });
}

/// kube-proxy in ipvs mode puts such a rule, with an ipset, before ours at every sync.
#[test]
fn a_hairpin_rule_of_kube_proxy_before_ours_stays_and_works() {
    for way in [Way::Xt, Way::Legacy] {
        let pair = Pair::new(Family::Ipv4, way);
        let comment = "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose";
        pair.apply(&pair.sender);
        let rule = format!("-s {} -d {} -j MASQUERADE", pair.second, pair.peer);
        let rule = format!("-m comment --comment '{comment}' {rule}");
        pair.iptables(&format!("-t nat -I KUBE-POSTROUTING 1 {rule}"));
        let writes = pair.sender.writes();
        let text = pair.sender.ck_ok("diff", 0);
        assert!(text.contains("1 foreign rule before ours, kept"), "{text}");
        pair.apply(&pair.sender);
        assert_eq!(pair.sender.writes(), writes, "apply wrote something");
        let hits = || hits(&pair.sender, "nat", "KUBE-POSTROUTING", comment);
        assert_eq!(pair.send(0), Some(pair.near));
        assert_eq!(hits(), 1);
    }
}

#[test]
fn after_remove_a_packet_marked_for_dropping_passes_again() {
    in_each_family_and_way(|pair| {
        pair.apply(&pair.sender);
        assert_eq!(pair.send(DROP), None);
        pair.sender.ck_ok("remove", 0);
        assert_eq!(pair.send(DROP), Some(pair.second));
    });
}

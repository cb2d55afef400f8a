//! A connection is forgotten, exactly that one, and none instead of it.
mod support;

use chainkeeper_conntrack::Flow;
use chainkeeper_contract::Family;
use std::time::Duration;
use support::{Row, from_port, texts};

fn delete(row: &Row, flow: &Flow) -> bool {
    row.ask(|conntrack| conntrack.delete(flow).expect("an answer"))
}

#[test]
fn exactly_that_connection_goes_and_its_next_packet_meets_the_rules_of_now() {
    for row in Family::ALL.map(Row::new) {
        for port in [4001, 4002, 4003] {
            assert_eq!(row.send(port), row.pod_ip);
        }
        row.masquerade();
        assert_eq!(row.send(4002), row.pod_ip, "not healed by the rules alone");
        let flow = from_port(&row.all(None), 4002);
        assert!(delete(&row, &flow), "it is there");
        assert_eq!(texts(&row.all(None)), [4001, 4003].map(|port| row.named(port)));
        assert!(!delete(&row, &flow), "it is gone");
        assert_eq!(row.send(4002), row.node_ip, "healed");
        assert_eq!(row.send(4001), row.pod_ip, "left alone");
        assert_eq!(texts(&row.all(None)), [4001, 4003].map(|port| row.named(port)));
    }
}

#[test]
fn another_connection_with_the_same_addresses_and_ports_stays() {
    for row in Family::ALL.map(Row::new) {
        row.timestamps(true);
        row.send(4001);
        let flow = from_port(&row.all(None), 4001);
        let [mut number, mut later] = [flow.clone(), flow];
        number.id ^= 1;
        later.start = later.start.map(|start| start + Duration::from_nanos(1));
        for other in [number, later] {
            assert!(!delete(&row, &other), "{other:?}");
            assert_eq!(texts(&row.all(None)), [row.named(4001)]);
        }
    }
}

/// The kernel gives it the same number about every third time: it is made in the memory of the other.
#[test]
fn a_masqueraded_connection_in_the_place_of_a_listed_one_stays() {
    let row = Row::new(Family::Ipv4);
    for port in 4001..4025 {
        assert_eq!(row.send(port), row.pod_ip);
        let listed = from_port(&row.all(None), port);
        assert!(delete(&row, &listed), "by somebody else, say");
        row.masquerade();
        assert_eq!(row.send(port), row.node_ip);
        assert!(!delete(&row, &listed), "{port}");
        row.unmasquerade();
    }
}

#[test]
fn a_connection_without_ports_goes_and_another_of_its_kind_stays() {
    for row in Family::ALL.map(Row::new) {
        // Two, told apart by nothing that we show.
        row.ping(7);
        row.ping(8);
        let flows = row.all(None);
        let [first, second] = &flows.without_translation[..] else { panic!("{flows:?}") };
        assert!(delete(&row, first));
        assert_eq!(row.all(None).without_translation, std::slice::from_ref(second));
    }
}

#[test]
fn a_connection_goes_from_its_zone_and_its_like_in_another_stays() {
    // Of both directions; of the original one, which is a part of the tuple. Then answers to the two
    // would be the same, but for the port that the kernel gives the second where there is a nat chain.
    for zone in ["ct zone set 7", "ct original zone set 7"] {
        for row in Family::ALL.map(Row::new) {
            let l3 = row.family.nft_name();
            let chain = |chain, rule| {
                row.node.sh(&format!("nft 'table {l3} zones {{ chain {chain} {{ {rule}; }}; }}'"))
            };
            chain("post", "type nat hook postrouting priority 100".to_owned());
            row.send(4001);
            chain("pre", format!("type filter hook prerouting priority -300; {zone}"));
            row.send(4001);
            let flows = row.all(None);
            assert_eq!(texts(&flows), [row.named(4001), row.named(4001)], "{zone}");
            for (flow, left) in flows.without_translation.iter().zip([1, 0]) {
                assert!(delete(&row, flow), "{zone}: {flow:?}");
                let after = row.all(None).without_translation;
                assert!(after.len() == left && !after.contains(flow), "{zone}: {after:?}");
            }
        }
    }
}

#[test]
fn an_empty_table_has_nothing_to_forget_and_nothing_to_list() {
    let row = Row::new(Family::Ipv4);
    row.send(4001);
    let flow = from_port(&row.all(None), 4001);
    let other = Row::new(Family::Ipv4);
    assert!(!delete(&other, &flow), "of another namespace");
    assert_eq!(other.all(None).count, 0);
    assert!(delete(&row, &flow));
}

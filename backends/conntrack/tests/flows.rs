//! Which connections count, on the real kernel: a pod's datagrams through a node to the world.
mod support;

use chainkeeper_conntrack::{Cidr, LISTED, Protocol};
use chainkeeper_contract::Family;
use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, SystemTime};
use support::{EAR, Row, from_port, texts, udp};

fn in_each_family(test: impl Fn(&Row)) {
    Family::ALL.into_iter().for_each(|family| test(&Row::new(family)));
}

#[test]
fn a_connection_that_left_as_it_was_is_found_and_a_masqueraded_one_is_not() {
    in_each_family(|row| {
        row.masquerade();
        assert_eq!(row.send(4001), row.node_ip);
        row.unmasquerade();
        assert_eq!(row.send(4002), row.pod_ip, "the gap");
        row.masquerade();
        assert_eq!(row.send(4003), row.node_ip);
        assert_eq!(row.send(4002), row.pod_ip, "it stays so, which is why we look");
        let flows = row.all(None);
        assert_eq!(texts(&flows), [row.named(4002)]);
        assert_eq!((flows.count, flows.without_translation.len()), (1, 1));
        let flow = &flows.without_translation[0];
        assert_eq!((flow.family, flow.protocol), (row.family, Protocol(17)));
        assert_eq!((flow.source, flow.destination), (row.pod_ip, row.world_ip));
        assert_eq!(flow.ports, Some((4002, EAR)));
    });
}

#[test]
fn both_families_are_seen_in_one_look() {
    let row = Row::new(Family::Ipv4);
    row.node.sh("ip a add dev outer fd09::1/64 nodad");
    row.world.sh("ip a add dev outer fd09::2/64 nodad");
    row.send(4001);
    let row = Row { family: Family::Ipv6, world_ip: "fd09::2".parse().expect("address"), ..row };
    row.send_from(&row.node, "fd09::1".parse().expect("address"), 4002);
    let expected = ["udp 10.9.1.2:4001 -> 10.9.0.2:7001", "udp [fd09::1]:4002 -> [fd09::2]:7001"];
    assert_eq!(texts(&row.all(None)), expected);
}

#[test]
fn only_what_began_in_the_time_asked_for_counts() {
    in_each_family(|row| {
        row.timestamps(true);
        let mut times = vec![SystemTime::now()];
        for port in [4001, 4002, 4003] {
            row.send(port);
            times.push(SystemTime::now());
        }
        for (i, port) in [4001, 4002, 4003].into_iter().enumerate() {
            let flows = row.between(times[i], times[i + 1]);
            assert_eq!(texts(&flows), [row.named(port)]);
            assert_eq!((flows.count, flows.unknown_start), (1, 0));
            let start = from_port(&flows, port).start.expect("it was written down");
            assert!(times[i] <= start && start <= times[i + 1]);
            // The first moment and the last are inside, those beside them are not.
            assert_eq!(row.between(start, start).count, 1);
            let tick = Duration::from_nanos(1);
            assert_eq!(row.between(times[i], start - tick).count, 0);
            assert_eq!(row.between(start + tick, times[i + 1]).count, 0);
        }
        assert_eq!(row.between(times[0], times[3]).count, 3);
        assert_eq!(row.between(SystemTime::UNIX_EPOCH, times[0]).count, 0);
        assert_eq!(row.between(times[3], times[3] + Duration::from_secs(60)).count, 0);
    });
}

#[test]
fn without_timestamps_a_connection_may_have_begun_at_any_time() {
    in_each_family(|row| {
        row.send(4001);
        let flows = row.between(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        assert_eq!(texts(&flows), [row.named(4001)]);
        assert_eq!((flows.count, flows.unknown_start), (1, 1));
        assert_eq!(from_port(&flows, 4001).start, None);
    });
}

/// The kernel decides for each connection at its first packet, and once for all.
#[test]
fn switching_timestamps_is_about_later_connections_only() {
    in_each_family(|row| {
        row.send(4001);
        row.timestamps(true);
        let on = SystemTime::now();
        row.send(4001);
        row.send(4002);
        row.timestamps(false);
        let off = SystemTime::now();
        row.send(4002);
        row.send(4003);
        let flows = row.between(on, off);
        assert_eq!((flows.count, flows.unknown_start), (3, 2));
        assert!(from_port(&flows, 4002).start.is_some_and(|s| on <= s && s <= off));
        for port in [4001, 4003] {
            assert_eq!(from_port(&flows, port).start, None, "{port}");
        }
        let flows = row.between(off, SystemTime::now());
        assert_eq!(texts(&flows), [4001, 4003].map(|port| row.named(port)));
    });
}

#[test]
fn a_protocol_without_ports_is_named_without() {
    for (family, name) in [(Family::Ipv4, "icmp"), (Family::Ipv6, "icmpv6")] {
        let row = Row::new(family);
        row.ping(7);
        let expected = format!("{name} {} -> {}", row.pod_ip, row.world_ip);
        assert_eq!(texts(&row.all(None)), [expected]);
    }
}

#[test]
fn what_stays_on_loopback_does_not_count() {
    in_each_family(|row| {
        let lo: IpAddr =
            if row.family == Family::Ipv4 { "127.0.0.1" } else { "::1" }.parse().expect("lo");
        let send = |from: IpAddr, to: IpAddr| {
            let ear = udp(&row.node, to, EAR);
            udp(&row.node, from, 4001).send_to(b"!", (to, EAR)).expect("sent");
            ear.recv_from(&mut [0; 1]).expect("it arrives");
        };
        send(lo, lo);
        send(lo, row.node_ip);
        send(row.node_ip, lo);
        assert_eq!(texts(&row.all(None)), [""; 0]);
        send(row.node_ip, row.node_ip);
        assert_eq!(row.all(None).count, 1, "the kernel tracks them");
    });
}

/// What a node port on 127.0.0.1 is, and why `route_localnet` needs the masquerade chains.
#[test]
fn a_connection_from_loopback_that_a_rule_sends_elsewhere_does_count() {
    let row = Row::new(Family::Ipv4);
    row.node.sh("sysctl -qw net.ipv4.conf.all.route_localnet=1");
    let hook = "type nat hook output priority -100";
    let dnat = format!("ip daddr 127.0.0.1 udp dport 30000 dnat to {}:{EAR}", row.world_ip);
    row.node.sh(&format!("nft 'table ip port {{ chain out {{ {hook}; {dnat}; }}; }}'"));
    let local: IpAddr = "127.0.0.1".parse().expect("lo");
    // Nobody gets it: the world drops such a source. The node has tracked it when it is sent.
    udp(&row.node, local, 4001).send_to(b"!", (local, 30000)).expect("sent");
    assert_eq!(texts(&row.all(None)), ["udp 127.0.0.1:4001 -> 127.0.0.1:30000"]);
}

/// Two that would be one on the wire: the kernel gives the second another port, without any rule.
#[test]
fn another_port_alone_is_no_translation() {
    in_each_family(|row| {
        // A nat chain, for a connection to be given anything at all. The first is one with the node
        // itself, which a rule turns to the world.
        let (l3, node, world) = (row.family.nft_name(), row.node_ip, row.world_ip);
        let to = if row.family == Family::Ipv4 {
            format!("{world}:{EAR}")
        } else {
            format!("[{world}]:{EAR}")
        };
        let dnat = format!("{l3} daddr {node} udp dport {EAR} dnat to {to}");
        let pre = format!("chain pre {{ type nat hook prerouting priority -100; {dnat}; }}");
        let post = "chain post { type nat hook postrouting priority 100; }";
        row.node.sh(&format!("nft 'table {l3} port {{ {pre}; {post}; }}'"));
        let ear = udp(&row.world, world, EAR);
        let pod = udp(&row.pod, row.pod_ip, 4001);
        for to in [node, world] {
            pod.send_to(b"!", (to, EAR)).expect("sent");
        }
        let heard = [(); 2].map(|()| ear.recv_from(&mut [0; 1]).expect("it arrives").1);
        assert_eq!(heard.map(|from| from.ip()), [row.pod_ip; 2]);
        assert_ne!(heard[0].port(), heard[1].port(), "the kernel gave the second another port");
        assert_eq!(row.all(None).count, 2);
    });
}

/// Opens `many` connections of the node's own.
fn flood(row: &Row, many: u16) {
    let (from, to) = (row.node_ip, row.world_ip);
    row.node.inside(|| {
        let socket = UdpSocket::bind((from, 4999)).expect("the port is free");
        for port in 10_000..10_000 + many {
            // The world has nobody there and may say so.
            while socket.send_to(b"!", (to, port)).is_err() {}
        }
    });
}

#[test]
fn all_are_counted_a_bounded_number_is_listed_and_a_source_is_found_among_any_number() {
    in_each_family(|row| {
        row.send(4001);
        flood(row, 12_000);
        let flows = row.all(None);
        assert_eq!((flows.count, flows.unknown_start), (12_001, 12_001));
        assert_eq!(flows.without_translation.len(), LISTED);
        let cidr = |text: &str| text.parse::<Cidr>().expect("a network");
        let (pods, others) = match row.family {
            Family::Ipv4 => (cidr("10.9.1.0/24"), cidr("fd09:1::/64")),
            Family::Ipv6 => (cidr("fd09:1::/64"), cidr("10.9.1.0/24")),
        };
        let flows = row.all(Some(&pods));
        assert_eq!((flows.count, texts(&flows)), (1, vec![row.named(4001)]));
        assert_eq!(row.all(Some(&others)).count, 0);
    });
}

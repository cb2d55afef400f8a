//! Connections that begin while the masquerade chains are missing.
use crate::support::{Host, PROGRAM, eventually};
use chainkeeper::story::{Event, GapFlows, What};
use std::net::UdpSocket;

/// A host with a neighbour at 10.9.0.2, connections that are tracked whatever becomes of table nat, and the
/// time at which they begin written down.
fn with_neighbour() -> (Host, Host) {
    let (host, neighbour) = (Host::new(), Host::unknown());
    host.link(&neighbour, "pods");
    host.sh("ip addr add 10.9.0.1/24 dev pods");
    neighbour.sh("ip addr add 10.9.0.2/24 dev pods");
    host.sh("echo 1 > /proc/sys/net/netfilter/nf_conntrack_timestamp");
    host.sh("nft 'add table inet tracks; add chain inet tracks out { type filter hook output priority 0; }; \
             add rule inet tracks out ct state new accept'");
    (host, neighbour)
}

/// What is told of connections: one began before the gap, one in it, one after it.
fn told(host: &Host, words: &str) -> GapFlows {
    let run = host.start(PROGRAM, &format!("run --settle 600ms {words}"));
    eventually("it serves", || host.ck("check --live").code == 0);
    let send = |port: u16| {
        host.inside(|| {
            let socket = UdpSocket::bind(("10.9.0.1", port)).expect("a socket");
            socket.send_to(b"x", ("10.9.0.2", 9)).expect("sent");
        });
    };
    send(4001);
    host.sh("iptables-nft -t nat -F; iptables-nft -t nat -X");
    send(4002);
    let mut found = None;
    eventually("they are counted", || {
        let story = host.ck_ok("events --output json", 0);
        let events = story.lines().map(|l| serde_json::from_str::<Event>(l).expect("an event"));
        found = events.into_iter().find_map(|event| match event.what {
            What::Flows(flows) => Some(flows),
            What::Gap(_)
            | What::Yielded { .. }
            | What::Recovered { .. }
            | What::Paused { .. }
            | What::Resumed { .. } => None,
        });
        found.is_some()
    });
    drop(run);
    found.expect("just seen")
}

#[test]
fn connections_that_began_in_the_gap_are_counted_and_left_alone() {
    let (host, _neighbour) = with_neighbour();
    let flows = told(&host, "");
    assert_eq!(flows.first, ["udp 10.9.0.1:4002 -> 10.9.0.2:9"], "{flows:?}");
    assert_eq!((flows.without_translation, flows.unknown_start, flows.ended), (1, 0, 0));
}

#[test]
fn those_from_the_sources_that_are_named_are_ended() {
    let (host, _neighbour) = with_neighbour();
    let elsewhere = told(&host, "--heal-flows 10.8.0.0/16,fd00::/64");
    assert_eq!((elsewhere.without_translation, elsewhere.ended), (1, 0));
    let (host, _neighbour) = with_neighbour();
    let flows = told(&host, "--heal-flows 10.9.0.0/24");
    assert_eq!((flows.without_translation, flows.ended), (1, 1));
}

/// When one began that nobody wrote down is unknown, and it is left alone.
#[test]
fn where_nobody_writes_down_when_one_begins_none_is_ended() {
    let (host, _neighbour) = with_neighbour();
    host.sh("echo 0 > /proc/sys/net/netfilter/nf_conntrack_timestamp");
    let flows = told(&host, "--heal-flows 10.9.0.0/24");
    assert_eq!((flows.without_translation, flows.unknown_start, flows.ended), (2, 2, 0));
}

#[test]
fn networks_are_refused_where_they_could_mean_another() {
    let host = Host::new();
    for (words, says) in [
        ("--heal-flows 10.9.0.1/24 diff", "10.9.0.1/24"),
        ("--heal-flows 10.9.0.0/24 --count-flows=false diff", "contradict"),
    ] {
        let said = host.ck(words);
        assert!(said.code == 2 && said.stderr.contains(says), "{said:?}");
    }
}

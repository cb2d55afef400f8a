//! Connections that begin while the masquerade chains are missing.
use crate::support::{Host, On, PROGRAM, Running, eventually};
use chainkeeper::story::{GapFlows, What};
use nix::sys::socket::{setsockopt, sockopt::Mark};
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::Duration;

/// What KUBE-POSTROUTING masquerades.
const MARK: u32 = 0x4000;

/// A host with a neighbour at 10.9.0.2, connections that are tracked whatever becomes of table nat, and the
/// time at which they begin written down.
fn with_neighbour(on: On) -> (Host, Host) {
    let (host, neighbour) = (Host::of(on), Host::unknown());
    host.link(&neighbour, "pods");
    host.sh("ip addr add 10.9.0.1/24 dev pods; ip addr add 10.9.0.3/24 dev pods");
    neighbour.sh("ip addr add 10.9.0.2/24 dev pods");
    host.sh("echo 1 > /proc/sys/net/netfilter/nf_conntrack_timestamp");
    host.sh("nft 'add table inet tracks; add chain inet tracks out { type filter hook output priority 0; }; \
             add rule inet tracks out ct state new accept'");
    (host, neighbour)
}

fn start(host: &Host, words: &str) -> Running {
    let run = host.start(PROGRAM, &format!("run --settle 600ms {words}"));
    eventually("it serves", || host.ck("check --live").code == 0);
    run
}

/// Begins a connection with the neighbour.
fn send(host: &Host, from: (&str, u16), mark: u32) {
    host.inside(|| {
        let socket = UdpSocket::bind(from).expect("a socket");
        setsockopt(&socket, Mark, &mark).expect("a mark");
        socket.send_to(b"x", "10.9.0.2:9").expect("sent");
    });
}

fn wipe(host: &Host) {
    let iptables = host.on().both_iptables()[0];
    host.by(iptables, "$T -t nat -F; $T -t nat -X");
}

/// What is told of connections, once they are counted.
fn counted(host: &Host) -> GapFlows {
    let mut found = None;
    eventually("they are counted", || {
        found = host.events().into_iter().find_map(|event| match event.what {
            What::Flows(flows) => Some(flows),
            What::Gap(_)
            | What::Yielded { .. }
            | What::Recovered { .. }
            | What::Paused { .. }
            | What::Resumed { .. } => None,
        });
        found.is_some()
    });
    found.expect("just seen")
}

/// Of one that began well before the gap, and one in it.
fn told(host: &Host, words: &str) -> GapFlows {
    let _run = start(host, words);
    send(host, ("10.9.0.1", 4001), 0);
    sleep(Duration::from_millis(300)); // more than news may be late
    wipe(host);
    send(host, ("10.9.0.1", 4002), 0);
    counted(host)
}

/// Of one that was masqueraded just before the gap, and one that began in it so long before the service heard.
fn heard_late(on: On, words: &str, late: Duration) -> GapFlows {
    let (host, neighbour) = with_neighbour(on);
    let run = start(&host, &format!("--heal-flows 10.9.0.0/24 {words}"));
    let ear = neighbour.inside(|| UdpSocket::bind("10.9.0.2:9").expect("a socket"));
    send(&host, ("10.9.0.3", 4001), MARK);
    let (_, from) = ear.recv_from(&mut [0; 1]).expect("it arrives");
    assert_eq!(from.ip().to_string(), "10.9.0.1", "masqueraded");
    run.signal("STOP");
    wipe(&host);
    send(&host, ("10.9.0.3", 4002), MARK);
    let (_, from) = ear.recv_from(&mut [0; 1]).expect("it arrives");
    assert_eq!(from.ip().to_string(), "10.9.0.3", "through the hole");
    sleep(late);
    run.signal("CONT");
    counted(&host)
}

fn assert_only_that_one_is_ended(flows: &GapFlows) {
    assert_eq!(flows.first, ["udp 10.9.0.3:4002 -> 10.9.0.2:9"], "{flows:?}");
    assert_eq!((flows.without_translation, flows.ended), (1, 1));
}

/// News waits in the socket while the service is kept from running.
#[test]
fn one_that_began_before_the_news_was_heard_is_ended_and_a_masqueraded_one_is_not() {
    assert_only_that_one_is_ended(&heard_late(On::Nft, "", Duration::ZERO));
}

#[test]
fn where_the_kernel_is_asked_one_that_began_before_the_question_is_ended() {
    let late = Duration::from_millis(120);
    assert_only_that_one_is_ended(&heard_late(On::Nft, "--watch poll", late));
}

#[test]
fn on_legacy_that_is_asked_once_a_second_too() {
    assert_only_that_one_is_ended(&heard_late(On::Legacy, "", Duration::from_millis(600)));
}

#[test]
fn connections_that_began_in_the_gap_are_counted_and_left_alone() {
    let (host, _neighbour) = with_neighbour(On::Nft);
    let flows = told(&host, "");
    assert_eq!(flows.first, ["udp 10.9.0.1:4002 -> 10.9.0.2:9"], "{flows:?}");
    assert_eq!((flows.without_translation, flows.unknown_start, flows.ended), (1, 0, 0));
}

#[test]
fn those_from_the_sources_that_are_named_are_ended() {
    let (host, _neighbour) = with_neighbour(On::Nft);
    let elsewhere = told(&host, "--heal-flows 10.8.0.0/16,fd00::/64");
    assert_eq!((elsewhere.without_translation, elsewhere.ended), (1, 0));
    let (host, _neighbour) = with_neighbour(On::Nft);
    let flows = told(&host, "--heal-flows 10.9.0.0/24");
    assert_eq!((flows.without_translation, flows.ended), (1, 1));
}

/// When one began that nobody wrote down is unknown, and it is left alone.
#[test]
fn where_nobody_writes_down_when_one_begins_none_is_ended() {
    let (host, _neighbour) = with_neighbour(On::Nft);
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

//! What the chains do to packets: real datagrams between two namespaces. Who watches them, or marks them
//! on their way in, is a table of nftables: that is beside both backends.
use crate::support::{Host, On};
use chainkeeper_contract::Family;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

const MASQUERADE: u32 = 0x4000;
const DROP: u32 = 0x8000;

/// Ports: of the packets of the tests, and of the one that is sent after each of them. Once that
/// is there, the other is not to come.
const EAR: u16 = 7001;
const BELL: u16 = 7002;

/// In what our rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Xt,
    Native,
    Legacy,
}

impl Way {
    const ALL: [Way; 3] = [Way::Xt, Way::Native, Way::Legacy];

    fn on(self) -> On {
        match self {
            Way::Xt | Way::Native => On::Nft,
            Way::Legacy => On::Legacy,
        }
    }
}

/// Two hosts linked by a veth pair, with addresses of one family: the sender's `near` and the
/// receiver's `peer` on the link, and the sender's `second`, which masquerading replaces by `near`.
struct Pair {
    family: Family,
    way: Way,
    sender: Host,
    receiver: Host,
    near: IpAddr,
    second: IpAddr,
    peer: IpAddr,
}

/// One datagram from the sender.
#[derive(Clone, Copy)]
struct Packet {
    from: IpAddr,
    to: IpAddr,
    mark: u32,
}

impl Pair {
    fn new(family: Family, way: Way) -> Pair {
        let (near, second, peer, net) = match family {
            Family::Ipv4 => ("10.9.0.1", "10.9.1.1", "10.9.0.2", "24"),
            Family::Ipv6 => ("fd09::1", "fd09:1::1", "fd09::2", "64 nodad"),
        };
        let (sender, receiver) = (Host::of(way.on()), Host::of(way.on()));
        // Until its link-local address is no longer tentative (a second), a host cannot ask for the
        // other's link address on behalf of an address on lo.
        for host in [&sender, &receiver] {
            host.sh("sysctl -qw net.ipv6.conf.default.accept_dad=0");
        }
        sender.link(&receiver, "veth");
        // A link may swallow what is sent until the kernel has worked through "carrier on".
        let up = "until ip link show veth | grep -q \"state UP\"; do sleep 0.02; done";
        let setup = |host: &Host, rest| host.sh(&format!("timeout 5 sh -c '{up}'; {rest}"));
        setup(&sender, format!("ip a add dev veth {near}/{net}; ip a add {second} dev lo"));
        // The way back is there for the reverse path filter; nobody answers.
        setup(&receiver, format!("ip a add dev veth {peer}/{net}; ip r add {second} via {near}"));
        let [near, second, peer] = [near, second, peer].map(|a| a.parse().expect("an address"));
        Pair { family, way, sender, receiver, near, second, peer }
    }

    /// From link address to link address, without a mark: nobody has anything against it.
    fn plain(&self) -> Packet {
        Packet { from: self.near, to: self.peer, mark: 0 }
    }

    /// Sends one from the second address with this mark; the source it arrives with, if it arrives.
    fn send(&self, mark: u32) -> Option<IpAddr> {
        self.deliver(Packet { from: self.second, mark, ..self.plain() }, self.peer)
    }

    /// Sends any packet to somebody who listens at an address of the receiver.
    fn deliver(&self, packet: Packet, at: IpAddr) -> Option<IpAddr> {
        let listen = |at, millis| {
            let socket = self.receiver.inside(|| UdpSocket::bind(at).expect("the port is free"));
            socket.set_read_timeout(Some(Duration::from_millis(millis))).expect("a timeout");
            socket
        };
        let (ear, bell) = (listen((at, EAR), 50), listen((self.peer, BELL), 5000));
        // One thread sends both over one link: they cannot overtake each other by much.
        self.sender.inside(|| {
            packet.send_to(EAR);
            self.plain().send_to(BELL);
        });
        bell.recv(&mut [0; 1]).expect("the plain packet always arrives");
        match ear.recv_from(&mut [0; 1]) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => None,
            heard => Some(heard.expect("a packet").1.ip()),
        }
    }

    /// Brings the chains in place.
    fn apply(&self, host: &Host) {
        host.ck_ok(
            match self.way {
                Way::Xt => "--dialect xt apply",
                Way::Native => "--dialect native apply",
                Way::Legacy => "apply",
            },
            0,
        );
    }

    /// Lets the packets of `send` run through a mark chain, with a tool that reads our rules.
    fn mark_by(&self, chain: &str) {
        let (l3, from, to) = (self.family.nft_name(), self.second, self.peer);
        match self.way {
            Way::Xt | Way::Legacy => {
                self.iptables(&format!("-t nat -A OUTPUT -s {from} -d {to} -j {chain}"));
            }
            Way::Native => drop(self.sender.sh(&format!(
                "nft 'add chain {l3} nat OUTPUT {{ type nat hook output priority -100; }}; \
                 add rule {l3} nat OUTPUT {l3} saddr {from} {l3} daddr {to} jump {chain}'"
            ))),
        }
    }

    /// iptables of the backend and the family, on the sender.
    fn iptables(&self, words: &str) {
        self.sender.sh(&format!("{} {words}", self.way.on().iptables(self.family)));
    }

    /// Gives a host a table that is not iptables', so that chainkeeper has nothing to do with it.
    fn watch(&self, host: &Host, text: &str) {
        let l3 = self.family.nft_name();
        host.sh(&format!("nft -f - <<END\ntable {l3} watch {{\n{text}\n}}\nEND"));
    }

    /// Packets that left the sender, marked and not, as table `watch` saw it.
    fn left(&self) -> [u64; 2] {
        ["marked", "unmarked"].map(|name| {
            let list = format!("nft list counter {} watch {name}", self.family.nft_name());
            first_number(self.sender.sh(&list).split("packets ").nth(1).expect("a counter"))
        })
    }
}

impl Packet {
    fn send_to(self, port: u16) {
        // nat looks at the first packet of a connection only: each is one, by a port of its own.
        static NEXT: AtomicU16 = AtomicU16::new(20_000);
        let from = (self.from, NEXT.fetch_add(1, Ordering::Relaxed));
        let socket = UdpSocket::bind(from).expect("the address is there");
        setsockopt(&socket, sockopt::Mark, &self.mark).expect("root of this namespace may mark");
        let sent = socket.send_to(b"!", (self.to, port)).map_err(|e| e.kind());
        // The latter is how the kernel tells that OUTPUT dropped it.
        assert!(matches!(sent, Ok(1) | Err(ErrorKind::PermissionDenied)), "{sent:?}");
    }
}

/// The packets that the IPv4 rule with this comment has counted.
fn hits(host: &Host, table: &str, chain: &str, comment: &str) -> u64 {
    let tool = host.on().iptables(Family::Ipv4);
    let list = host.sh(&format!("{tool} -t {table} -nvxL {chain}"));
    first_number(list.lines().find(|l| l.contains(comment)).expect("the rule is there"))
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().expect("a word").parse().expect("a number")
}

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
        // First the attacker gives up its own 127.0.0.0/8.
        let give_up =
            format!("ip a del 127.0.0.1/8 dev lo; ip r add 127.0.0.0/8 via {}", pair.peer);
        pair.sender.sh(&give_up);
        for host in [&pair.sender, &pair.receiver] {
            host.sh("sysctl -qw net.ipv4.conf.veth.route_localnet=1");
        }
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

/// Packets counted by the rule about localnet, or by the two of the native dialect.
fn localnet_hits(host: &Host) -> u64 {
    let list = match host.on() {
        On::Nft => host.sh("nft list chain ip filter KUBE-FIREWALL"),
        // `[packets:bytes] -A ...`
        On::Legacy => {
            host.sh("iptables-legacy-save -c -t filter | sed 's/^.\\([0-9]*\\):/packets \\1 /'")
        }
    };
    let rules = list
        .lines()
        .filter(|l| ["daddr", "-d"].iter().any(|d| l.contains(&format!("{d} 127.0.0.0/8"))));
    rules.map(|l| first_number(l.split("packets ").nth(1).expect("a counter"))).sum()
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

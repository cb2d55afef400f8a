//! Two hosts, one link, and datagrams between them.
use crate::support::{Host, On};
use chainkeeper_contract::Family;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// Ports: of the packets of the tests, and of the one that is sent after each of them. Once that
/// is there, the other is not to come.
pub(super) const EAR: u16 = 7001;
const BELL: u16 = 7002;

/// In what our rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Xt,
    Native,
    Legacy,
}

impl Way {
    pub(super) const ALL: [Way; 3] = [Way::Xt, Way::Native, Way::Legacy];

    fn on(self) -> On {
        match self {
            Way::Xt | Way::Native => On::Nft,
            Way::Legacy => On::Legacy,
        }
    }
}

/// Two hosts linked by a veth pair, with addresses of one family: the sender's `near` and the
/// receiver's `peer` on the link, and the sender's `second`, which masquerading replaces by `near`.
pub(super) struct Pair {
    pub(super) family: Family,
    pub(super) way: Way,
    pub(super) sender: Host,
    pub(super) receiver: Host,
    pub(super) near: IpAddr,
    pub(super) second: IpAddr,
    pub(super) peer: IpAddr,
}

/// One datagram from the sender.
#[derive(Clone, Copy)]
pub(super) struct Packet {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) mark: u32,
}

impl Pair {
    pub(super) fn new(family: Family, way: Way) -> Pair {
        // The kernel's own work makes an address of IPv6 one that can be bound to, unless it is `nodad`.
        let (near, second, peer, len, flag) = match family {
            Family::Ipv4 => ("10.9.0.1", "10.9.1.1", "10.9.0.2", 24, ""),
            Family::Ipv6 => ("fd09::1", "fd09:1::1", "fd09::2", 64, "nodad"),
        };
        let (sender, receiver) = (Host::of(way.on()), Host::of(way.on()));
        sender.link(&receiver, "veth");
        sender
            .sh(&format!("ip a add dev veth {near}/{len} {flag}; ip a add {second} dev lo {flag}"));
        // The way back is there for the reverse path filter; nobody answers.
        let way_back = format!("ip r add {second} via {near}");
        receiver.sh(&format!("ip a add dev veth {peer}/{len} {flag}; {way_back}"));
        let [near, second, peer] = [near, second, peer].map(|a| a.parse().expect("an address"));
        Pair { family, way, sender, receiver, near, second, peer }
    }

    /// The neighbour gives up its own 127.0.0.0/8, so that it can send to that of the receiver; both let such
    /// packets pass.
    pub(super) fn attack_localhost(&self) {
        self.sender
            .sh(&format!("ip a del 127.0.0.1/8 dev lo; ip r add 127.0.0.0/8 via {}", self.peer));
        for host in [&self.sender, &self.receiver] {
            host.sh("sysctl -qw net.ipv4.conf.veth.route_localnet=1");
        }
    }

    /// From link address to link address, without a mark: nobody has anything against it.
    pub(super) fn plain(&self) -> Packet {
        Packet { from: self.near, to: self.peer, mark: 0 }
    }

    /// Sends one from the second address with this mark; the source it arrives with, if it arrives.
    pub(super) fn send(&self, mark: u32) -> Option<IpAddr> {
        self.deliver(Packet { from: self.second, mark, ..self.plain() }, self.peer)
    }

    /// Sends any packet to somebody who listens at an address of the receiver.
    pub(super) fn deliver(&self, packet: Packet, at: IpAddr) -> Option<IpAddr> {
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
    pub(super) fn apply(&self, host: &Host) {
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
    pub(super) fn mark_by(&self, chain: &str) {
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
    pub(super) fn iptables(&self, words: &str) {
        self.sender.sh(&format!("{} {words}", self.way.on().iptables(self.family)));
    }

    /// Gives a host a table that is not iptables', so that chainkeeper has nothing to do with it.
    pub(super) fn watch(&self, host: &Host, text: &str) {
        let l3 = self.family.nft_name();
        host.sh(&format!("nft -f - <<END\ntable {l3} watch {{\n{text}\n}}\nEND"));
    }

    /// Packets that left the sender, marked and not, as table `watch` saw it.
    pub(super) fn left(&self) -> [u64; 2] {
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
pub(super) fn hits(host: &Host, table: &str, chain: &str, comment: &str) -> u64 {
    let tool = host.on().iptables(Family::Ipv4);
    let list = host.sh(&format!("{tool} -t {table} -nvxL {chain}"));
    first_number(list.lines().find(|l| l.contains(comment)).expect("the rule is there"))
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().expect("a word").parse().expect("a number")
}

/// Packets counted by the rule about localnet, or by the two of the native dialect.
pub(super) fn localnet_hits(host: &Host) -> u64 {
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

//! New UDP flows without a pause, and what of them arrives: not one may slip through while we move.
use crate::support::{Host, eventually};
use chainkeeper_contract::Family;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Port and mark of the packets that must arrive masqueraded, and of those that must not arrive.
const MASQUERADED: (u16, u32) = (7001, 0x4000);
const DROPPED: (u16, u32) = (7002, 0x8000);

/// A host that sends, and one behind a veth pair that counts.
pub(super) struct Traffic {
    pub(super) sender: Host,
    receiver: Host,
}

/// Packets that arrived: masqueraded as they must be, and those two that must not.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Arrived {
    pub(super) good: u64,
    pub(super) bare: u64,
    pub(super) marked: u64,
}

/// Any address of this family on the link: ours, theirs.
fn link(family: Family) -> [&'static str; 2] {
    match family {
        Family::Ipv4 => ["10.9.0.1", "10.9.0.2"],
        Family::Ipv6 => ["fd09::1", "fd09::2"],
    }
}

/// Where the flow of that number comes from; masquerading replaces it by our address on the link. A port
/// of its own would do, but there are too few of them.
fn source(family: Family, n: u32) -> (IpAddr, u16) {
    let [_, _, high, low] = n.to_be_bytes();
    let address = match family {
        Family::Ipv4 => Ipv4Addr::new(10, 10, high, low).into(),
        Family::Ipv6 => Ipv6Addr::new(0xfd10, 0, 0, 0, 0, 0, 1, (n & 0xffff) as u16).into(),
    };
    (address, 20_000 + (n >> 16) as u16)
}

impl Traffic {
    pub(super) fn new() -> Traffic {
        let (sender, receiver) = (Host::unknown(), Host::unknown());
        sender.link(&receiver, "veth");
        for (host, at) in [(&sender, 0), (&receiver, 1)] {
            let [v4, v6] = [link(Family::Ipv4)[at], link(Family::Ipv6)[at]];
            host.sh(&format!("ip a add dev veth {v4}/24; ip a add dev veth {v6}/64 nodad"));
        }
        sender.sh("ip r add local 10.10.0.0/16 dev lo; ip -6 r add local fd10::/64 dev lo
                   sysctl -qw net.ipv6.ip_nonlocal_bind=1
                   sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1");
        // Before conntrack, so that a packet costs little; nobody answers.
        let chain = |family: Family| {
            let (l3, [near, _]) = (family.nft_name(), link(family));
            let rule = |with: &str, name: &str| format!("{with} counter name {name} drop");
            let good = rule(&format!("udp dport 7001 {l3} saddr {near}"), "good");
            let rules = [good, rule("udp dport 7001", "bare"), rule("udp dport 7002", "marked")];
            format!(
                "table {l3} watch {{\ncounter good {{ }}\ncounter bare {{ }}\ncounter marked {{ }}
                 chain early {{\ntype filter hook prerouting priority -300
                 {}\n}}\n}}",
                rules.join("\n")
            )
        };
        receiver.sh(&format!("nft -f - <<END\n{}\nEND", Family::ALL.map(chain).join("\n")));
        let traffic = Traffic { sender, receiver };
        // What is to be found is found: without chains all arrives, and bare.
        traffic.during(|| {
            for family in Family::ALL {
                eventually("a packet arrives", || traffic.arrived(family).bare > 0);
                eventually("the other as well", || traffic.arrived(family).marked > 0);
            }
        });
        traffic.forget();
        traffic
    }

    /// From here on packets are counted anew.
    pub(super) fn forget(&self) {
        self.receiver.sh("sleep 0.05; nft reset counters >&2");
    }

    pub(super) fn arrived(&self, family: Family) -> Arrived {
        let list =
            self.receiver.sh(&format!("nft list counters table {} watch", family.nft_name()));
        let count = |name: &str| {
            let after = list.split(&format!("counter {name} {{")).nth(1).expect("a counter");
            let packets = after.split("packets ").nth(1).and_then(|t| t.split(' ').next());
            packets.expect("a number").parse().expect("a number")
        };
        Arrived { good: count("good"), bare: count("bare"), marked: count("marked") }
    }

    /// Does something that takes its time, with flows of each family before, meanwhile and after it.
    pub(super) fn flows_while<T>(&self, work: impl FnOnce() -> T) -> T {
        let good = || Family::ALL.map(|f| self.arrived(f).good);
        let some = |before: [u64; 2]| {
            eventually("packets flow", || good().iter().zip(before).all(|(now, b)| *now > b + 50));
        };
        some(good());
        let before = good();
        let done = work();
        let meanwhile = good().iter().zip(before).map(|(now, before)| now - before).min();
        assert!(meanwhile > Some(20), "too few flows at that time to tell: {meanwhile:?}");
        some(good());
        done
    }

    /// Not one was bare, not one with the other mark arrived, and they were plenty.
    pub(super) fn was_safe(&self, plenty: u64) {
        for family in Family::ALL {
            let arrived = self.arrived(family);
            println!("{family}: {arrived:?}");
            assert_eq!((arrived.bare, arrived.marked), (0, 0), "{family}: {arrived:?}");
            assert!(arrived.good >= plenty, "{family}: {arrived:?} is not plenty");
        }
    }

    /// Does something while two threads of each family send.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        /// Ends them when the work ends, be it by a panic.
        struct Stop<'a>(&'a AtomicBool);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for family in Family::ALL {
                for (port, mark) in [MASQUERADED, DROPPED] {
                    let (host, stop) = (&self.sender, &stop);
                    scope.spawn(move || {
                        host.inside(|| {
                            while !stop.load(Ordering::Relaxed) {
                                send(family, port, mark);
                                // Whoever moves needs a processor, too.
                                std::thread::sleep(Duration::from_micros(20));
                            }
                        });
                    });
                }
            }
            let _stop = Stop(&stop);
            work()
        })
    }
}

/// A flow of its own: nat looks at the first packet only.
fn send(family: Family, port: u16, mark: u32) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let from = source(family, NEXT.fetch_add(1, Ordering::Relaxed));
    let socket = UdpSocket::bind(from).expect("all of these addresses are here");
    setsockopt(&socket, sockopt::Mark, &mark).expect("root of this namespace may mark");
    let to: IpAddr = link(family)[1].parse().expect("an address");
    let sent = socket.send_to(b"!", (to, port)).map_err(|e| e.kind());
    // The latter is how the kernel tells that OUTPUT dropped it.
    assert!(matches!(sent, Ok(1) | Err(ErrorKind::PermissionDenied)), "{sent:?}");
}

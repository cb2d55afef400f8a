//! Two hosts on one link, each with chains of its own and a table beside them that sees the result.
use super::Ledger;
use super::random::chains;
use crate::support::Host;
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{Backend, Family, Observed, Plan};
use chainkeeper_nft::{Dialect, NftBackend, Setup};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Marks that packets have and rules set and look for.
pub(super) const MARKS: [u32; 6] = [0, 1, 0x4000, 0x8002, 0xc003, 3];

/// Of each family: the addresses on the link, then another address of each host.
pub(super) const ADDRESSES: [[&str; 4]; 2] = [
    ["10.9.0.1", "10.9.0.2", "10.9.2.1", "10.9.3.1"],
    ["fd09::1", "fd09::2", "fd09:2::1", "fd09:3::1"],
];

/// Ports of packets to be translated and of packets not to be tracked begin here.
pub(super) const DNAT: u16 = 30_000;
pub(super) const UNTRACKED: u16 = 40_000;

const BELL: u16 = 9;

pub(super) struct Pair {
    family: Family,
    pub(super) sides: [Side; 2],
}

pub(super) struct Side {
    pub(super) host: Host,
    /// Its address on the link, which masquerading gives.
    pub(super) link: IpAddr,
    /// Its other address, to which the `DNAT` ports lead.
    pub(super) other: IpAddr,
    /// Its chains as the backend reads them.
    pub(super) seen: Observed,
    /// Sends and hears packets of the other family, which meet none of the chains.
    bell: UdpSocket,
}

impl Pair {
    pub(super) fn new(family: Family) -> Pair {
        stay_on_one_cpu();
        let hosts = [Host::new(), Host::new()];
        let conf = "sysctl -qw net.ipv4.icmp_ratemask=0";
        hosts.iter().for_each(|host| _ = host.sh(&format!("{conf} net.ipv6.icmp.ratemask=''")));
        hosts[0].link(&hosts[1], "veth");
        for (n, host) in hosts.iter().enumerate() {
            let m = 1 - n;
            let mut script = format!("ip link set veth address 02:00:00:00:00:0{n}\n");
            // Neighbours are told, not asked for: the chains would drop the question.
            for (a, net) in ADDRESSES.iter().zip(["24", "64 nodad"]) {
                script += &format!(
                    "ip address add {}/{net} dev veth; ip address add {} dev lo
                     ip neighbour add {} lladdr 02:00:00:00:00:0{m} dev veth nud permanent
                     ip route add {} via {}\n",
                    a[n],
                    a[n + 2],
                    a[m],
                    a[m + 2],
                    a[m]
                );
            }
            host.sh(&script);
        }
        let mut n = 0;
        let sides = hosts.map(|host| {
            let (ours, others) = match family {
                Family::Ipv4 => (ADDRESSES[0], ADDRESSES[1]),
                Family::Ipv6 => (ADDRESSES[1], ADDRESSES[0]),
            };
            let bell = bind(&host, others[n].parse().expect("an address"), BELL);
            bell.connect((others[1 - n], BELL)).expect("the other host");
            bell.set_nonblocking(false).expect("a socket");
            bell.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
            let [link, other] = [ours[n], ours[n + 2]].map(|a| a.parse().expect("an address"));
            n += 1;
            Side { host, link, other, seen: Observed::default(), bell }
        });
        Pair { family, sides }
    }

    /// Gives both hosts other chains.
    pub(super) fn rewrite(&mut self, dice: &mut Dice, dialect: Dialect) {
        let family = self.family;
        for side in &mut self.sides {
            side.host.sh(&format!("nft -f - <<END\n{}\nEND", watch(family, side.other)));
            let (steps, scope) = chains(dice, family, dialect);
            let plan = Plan { generation: None, families: [(family, steps)].into() };
            let mut snapshot = side.host.inside(|| {
                let mut nft =
                    NftBackend::open(Setup { dialect, ..Setup::default() }).expect("netlink");
                let applied = nft.apply(&plan).expect("apply");
                assert_eq!(applied.families, BTreeMap::from([(family, Ok(()))]));
                nft.observe(&scope).expect("observe")
            });
            let seen = snapshot.families.remove(&family).expect("the family");
            side.seen = seen.expect("it is readable");
        }
    }

    /// Waits until all that this host has sent so far is there: one CPU keeps them in order.
    pub(super) fn settle(&self, from: usize) {
        self.sides[from].bell.send(b"!").expect("nobody drops the bell");
        self.sides[1 - from].bell.recv(&mut [0; 1]).expect("nobody drops the bell");
    }

    /// What the tables beside the chains saw must be what was predicted; nothing less, nothing more.
    pub(super) fn compare(&self, ledger: &Ledger) {
        let start = Instant::now();
        for (n, side) in self.sides.iter().enumerate() {
            let predicted = [&ledger.left[n], &ledger.came[n]];
            loop {
                let list = format!("nft list table {} watch", self.family.nft_name());
                let text = side.host.sh(&list);
                let seen = ["left", "came"].map(|name| elements(&text, name));
                if predicted == [&seen[0], &seen[1]] {
                    break;
                }
                // An ICMP error may still be on its way.
                if start.elapsed() > Duration::from_secs(2) {
                    assert_eq!(predicted, [&seen[0], &seen[1]], "left and came to host {n}");
                }
            }
        }
    }
}

/// A socket of that host that never waits.
pub(super) fn bind(host: &Host, address: IpAddr, port: u16) -> UdpSocket {
    let socket = host.inside(|| UdpSocket::bind((address, port)).expect("the port is free"));
    socket.set_nonblocking(true).expect("a socket");
    socket
}

/// The queue between the hosts is each CPU's own.
fn stay_on_one_cpu() {
    let this = Pid::from_raw(0);
    let may = sched_getaffinity(this).expect("affinity");
    let first = (0..CpuSet::count()).find(|n| may.is_set(*n) == Ok(true)).expect("a CPU");
    let mut one = CpuSet::new();
    one.set(first).and_then(|()| sched_setaffinity(this, &one)).expect("affinity");
}

/// An empty host but for a table that is not iptables': it tells packets apart by their length,
/// marks what arrives (a mark does not cross the link), and notes what leaves and what gets in.
fn watch(family: Family, other: IpAddr) -> String {
    let (l3, icmp, inner) = match family {
        Family::Ipv4 => ("ip", "icmp", 256),
        Family::Ipv6 => ("ip6", "icmpv6", 416),
    };
    let set = |name| {
        let key = "typeof udp length . meta mark";
        format!("set {name} {{ {key}; flags dynamic; size 65535; }}")
    };
    // An ICMP error quotes the packet that it is about.
    let note = |chain, hook, name| {
        format!(
            "chain {chain} {{ type filter hook {hook} priority 300;
             meta l4proto udp add @{name} {{ udp length . meta mark }};
             {icmp} type destination-unreachable add @{name} {{ @th,{inner},16 . meta mark }}; }}"
        )
    };
    let marks = (0..4).map(|n| {
        let mark = arrival_mark(n);
        format!("udp length & 3 == {n} meta mark set {mark}\n")
    });
    let end = UNTRACKED + 9_999;
    let untracked = format!("udp sport {UNTRACKED}-{end} udp dport {UNTRACKED}-{end} notrack");
    let dnat = format!("udp dport {DNAT}-{} dnat to {other}", DNAT + 9_999);
    format!(
        "flush ruleset
         table {l3} watch {{
         {}\n{}\n{}\n{}
         chain early {{ type filter hook prerouting priority -300; {untracked};\n{} }}
         chain local {{ type filter hook output priority -300; {untracked}; }}
         chain turn {{ type nat hook prerouting priority -100; {dnat}; }}
         }}",
        set("left"),
        set("came"),
        note("leaving", "postrouting", "left"),
        note("coming", "input", "came"),
        marks.collect::<String>(),
    )
}

/// The mark that a packet has when it arrives.
pub(super) fn arrival_mark(id: u16) -> u32 {
    MARKS[usize::from(id % 4)]
}

/// Packets (by the length of their payload) and marks in a set of table `watch`.
fn elements(text: &str, set: &str) -> BTreeSet<(u16, u32)> {
    let set = text.split(&format!("set {set} {{")).nth(1).expect("the set is there");
    let set = set.split("chain ").next().expect("the sets come first").split("set ").next();
    let Some((_, list)) = set.and_then(|s| s.split_once("elements = {")) else {
        return BTreeSet::new();
    };
    let list = list.split('}').next().expect("what is before the end");
    let element = |e: &str| {
        let (length, mark) = e.trim().split_once(" . ")?;
        let mark = u32::from_str_radix(mark.strip_prefix("0x")?, 16).ok()?;
        Some((length.parse::<u16>().ok()? - 8, mark))
    };
    list.split(',').map(|e| element(e).unwrap_or_else(|| panic!("not an element: {e}"))).collect()
}

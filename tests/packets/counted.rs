//! What the rules have counted: by `status`, by whoever asks the worker, and by the tools of others.
use super::pair::{EAR, Packet, Pair, Way};
use super::{DROP, MASQUERADE, in_each_family_and_way, in_each_way};
use crate::support::{Host, On, PROGRAM, Running, eventually};
use chainkeeper::config::parse;
use chainkeeper::policy::Counts;
use chainkeeper::reconcile::Counted;
use chainkeeper::switch::Switch;
use chainkeeper::worker::{Order, Worker};
use chainkeeper_contract::Family;
use chainkeeper_contract::text::{Line, parse_spec};
use nix::sys::socket::{setsockopt, sockopt};
use std::net::UdpSocket;

/// Table and chain, rule, packets and bytes.
type Count = (String, String, u64, u64);

/// What to say before a command.
fn words(way: Way) -> &'static str {
    match way {
        Way::Xt => "--dialect xt",
        Way::Native => "--dialect native",
        Way::Legacy => "",
    }
}

fn run(pair: &Pair, host: &Host) -> Running {
    let words = words(pair.way);
    let run = host.start(PROGRAM, &format!("{words} run --sync-period 100ms"));
    eventually("it counts", || status(host).is_some_and(|counted| !counted.is_empty()));
    run
}

fn status(host: &Host) -> Option<Vec<Counted>> {
    host.status().map(|status| status.counters)
}

/// A worker of the test's own, asked for a fresh count.
fn fresh(pair: &Pair, host: &Host) -> Vec<Counted> {
    let (backend, dialect) = match pair.way {
        Way::Xt => ("nft", "xt"),
        Way::Native => ("nft", "native"),
        Way::Legacy => ("legacy", "xt"),
    };
    let toml = format!("backend = '{backend}'\ndialect = '{dialect}'\nstate-file = 'none'");
    let config = parse("test", &toml).expect("settings").check().expect("config");
    host.inside(|| {
        let worker = Worker::start(Switch::open(&config).expect("a backend")).expect("a thread");
        let (reply, answer) = tokio::sync::oneshot::channel();
        worker.order(Order::Count(reply));
        answer.blocking_recv().expect("it lives").expect("it can be read")
    })
}

/// Of one family, in order.
fn counts(counted: &[Counted], family: Family) -> Vec<Count> {
    let one =
        |c: &Counted| (format!("{} {}", c.table, c.chain), c.rule.clone(), c.packets, c.bytes);
    let mut all: Vec<Count> = counted.iter().filter(|c| c.family == family).map(one).collect();
    all.sort();
    all
}

/// The same by iptables-save, of the rules in chains of our names.
fn saved(host: &Host, family: Family) -> Vec<Count> {
    let save = host.sh(&format!("{}-save -c", host.on().iptables(family)));
    let (mut table, mut all) = ("", vec![]);
    for line in save.lines() {
        table = line.strip_prefix('*').unwrap_or(table);
        let Some((counters, rule)) = line.split_once("] -A KUBE-") else { continue };
        let (packets, bytes) = counters[1..].split_once(':').expect("[packets:bytes]");
        let (chain, spec) = rule.split_once(' ').expect("a rule");
        let Line::Rule(rule) = parse_spec(family, spec) else { panic!("not ours: {line}") };
        let [packets, bytes] = [packets, bytes].map(|n| n.parse().expect("a number"));
        all.push((format!("{table} KUBE-{chain}"), rule.to_string(), packets, bytes));
    }
    all.sort();
    all
}

/// Packets and bytes of each rule of a chain by nft, in order.
fn listed(host: &Host, family: Family, chain: &str) -> Vec<(u64, u64)> {
    let list = host.sh(&format!("nft list chain {} {chain}", family.nft_name()));
    let number = |line: &str, word| {
        let rest = line.split(word).nth(1).expect("a counter");
        rest.split_whitespace().next().expect("a word").parse().expect("a number")
    };
    let rules = list.lines().filter(|l| l.contains("counter packets "));
    rules.map(|l| (number(l, "counter packets "), number(l, " bytes "))).collect()
}

/// True when others' tools say the same of every rule.
fn agree(pair: &Pair, host: &Host, counted: &[Counted]) -> bool {
    let nft = |chain: &str| {
        let of =
            |c: &&Counted| c.family == pair.family && format!("{} {}", c.table, c.chain) == chain;
        let ours = counted.iter().filter(of).map(|c| (c.packets, c.bytes));
        ours.eq(listed(host, pair.family, chain))
    };
    // Native rules are for no iptables, legacy's for no nft.
    let by_save =
        pair.way == Way::Native || counts(counted, pair.family) == saved(host, pair.family);
    let chains = ["nat KUBE-MARK-MASQ", "nat KUBE-POSTROUTING", "filter KUBE-FIREWALL"];
    by_save && (pair.way == Way::Legacy || chains.into_iter().all(nft))
}

/// Packets of a kind, of both families.
fn sum(counted: &[Counted], kind: Counts) -> u64 {
    counted.iter().filter(|c| c.counts == kind).map(|c| c.packets).sum()
}

/// More packets of one connection.
fn talk(pair: &Pair, packets: usize) {
    pair.sender.inside(|| {
        let socket = UdpSocket::bind((pair.second, 19_999)).expect("the address is there");
        setsockopt(&socket, sockopt::Mark, &MASQUERADE).expect("root of this namespace may mark");
        for _ in 0..packets {
            socket.send_to(b"!", (pair.peer, EAR)).expect("it is sent");
        }
    });
}

#[test]
fn status_counts_what_the_tools_of_others_count() {
    in_each_family_and_way(|pair| {
        let host = &pair.sender;
        pair.apply(host);
        pair.mark_by("KUBE-MARK-MASQ");
        let _run = run(pair, host);
        let writes = host.writes();
        (0..2).for_each(|_| assert_eq!(pair.send(MASQUERADE), Some(pair.near)));
        (0..3).for_each(|_| assert_eq!(pair.send(DROP), None));
        talk(pair, 5);
        let told = || status(host).expect("it serves");
        eventually("status says so", || {
            let told = told();
            [Counts::Masqueraded, Counts::Dropped].map(|kind| sum(&told, kind)) == [3, 3]
        });
        // A host says things of its own, too (IPv6), so the two may be read at different times.
        eventually("others say the same as status", || agree(pair, host, &told()));
        eventually("others say the same as the worker", || agree(pair, host, &fresh(pair, host)));
        let fresh = fresh(pair, host);
        let marked = |c: &&Counted| c.family == pair.family && c.chain.as_str() == "KUBE-MARK-MASQ";
        let marked: Vec<u64> = fresh.iter().filter(marked).map(|c| c.packets).collect();
        assert!(marked[0] >= 3, "{fresh:?}");
        let bytes = fresh.iter().filter(|c| c.counts == Counts::Masqueraded).map(|c| c.bytes);
        let header = if pair.family == Family::Ipv4 { 20 } else { 40 };
        assert_eq!(bytes.sum::<u64>(), 3 * (header + 8 + 1));
        let screen = host.ck_ok("status", 0);
        let line = "\ncounters    3 connections masqueraded, 3 packets dropped, 0 martians\n";
        assert!(screen.contains(line), "{screen}");
        assert_eq!(host.writes(), writes, "what is counted is no difference");
        host.ck_ok(&format!("{} check", words(pair.way)), 0);
    });
}

/// A chain that is written anew begins to count anew, and the others go on.
#[test]
fn a_repair_takes_no_counters_of_rules_that_stay() {
    in_each_way(Family::Ipv4, |pair| {
        let host = &pair.sender;
        pair.apply(host);
        let _run = run(pair, host);
        assert_eq!(pair.send(MASQUERADE), Some(pair.near));
        assert_eq!(pair.send(DROP), None);
        let told = || {
            let told = status(host).expect("it serves");
            [Counts::Masqueraded, Counts::Dropped].map(|kind| sum(&told, kind))
        };
        eventually("it counts", || told() == [1, 1]);
        match host.on() {
            On::Nft => host.sh("nft flush chain ip nat KUBE-POSTROUTING"),
            On::Legacy => host.sh("iptables-legacy -t nat -F KUBE-POSTROUTING"),
        };
        let rules = if pair.way == Way::Native { 14 } else { 13 };
        eventually("it counts anew", || told() == [0, 1] && fresh(pair, host).len() == rules);
    });
}

#[test]
fn martians_are_counted() {
    in_each_way(Family::Ipv4, |pair| {
        let host = &pair.receiver;
        let localhost = "127.0.0.1".parse().expect("an address");
        let attack = Packet { to: localhost, ..pair.plain() };
        pair.attack_localhost();
        pair.apply(host);
        let _run = run(pair, host);
        assert_eq!(pair.deliver(attack, localhost), None);
        // Untracked, it is another rule of the native two.
        let hook = "type filter hook prerouting priority -300";
        pair.watch(host, &format!("chain raw {{ {hook}; udp dport {EAR} notrack; }}"));
        assert_eq!(pair.deliver(attack, localhost), None);
        let martians = |counted: &[Counted]| sum(counted, Counts::Martian);
        eventually("both are told", || martians(&status(host).expect("it serves")) == 2);
        assert_eq!(martians(&fresh(pair, host)), 2);
        let screen = host.ck_ok("status", 0);
        assert!(screen.contains(", 2 martians\n"), "{screen}");
    });
}

//! First apply and idle pass, both families: in process, as a process, and kubelet's own command
//! sequence with iptables-nft, all in the same run. Prints medians and ratios; asserts nothing.
use chainkeeper::backends;
use chainkeeper::config::Settings;
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::CanaryPolicy;
use nix::sched::{CloneFlags, unshare};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 30;

fn main() {
    let mut rows: Vec<(&str, Vec<Duration>, Vec<Duration>)> =
        ["in process", "as a process", "kubelet's sequence"].map(|n| (n, vec![], vec![])).into();
    for _ in 0..ROUNDS {
        for (row, work) in rows.iter_mut().zip([in_process, as_process, kubelet]) {
            let (first, idle) = in_netns(work);
            row.1.push(first);
            row.2.push(idle);
        }
    }
    println!("{ROUNDS} rounds, each in a new network namespace; p50 and p99 in ms");
    println!("{:20} {:>8} {:>8} {:>8} {:>8}", "", "first", "p99", "idle", "p99");
    for (name, first, idle) in &mut rows {
        let (f, i) = (quantiles(first), quantiles(idle));
        println!("{name:20} {:8.2} {:8.2} {:8.2} {:8.2}", f.0, f.1, i.0, i.1);
    }
    let p50 = |d: &mut Vec<Duration>| quantiles(d).0;
    let kubelet = (p50(&mut rows[2].1), p50(&mut rows[2].2));
    for (name, first, idle) in &mut rows[..2] {
        println!(
            "kubelet / {name}: first {:.0}x, idle {:.0}x",
            kubelet.0 / p50(first),
            kubelet.1 / p50(idle)
        );
    }
}

fn quantiles(of: &mut [Duration]) -> (f64, f64) {
    of.sort();
    let at = |q: usize| of[(of.len() - 1) * q / 100].as_secs_f64() * 1e3;
    (at(50), at(99))
}

/// A new network namespace, gone with the thread; child processes inherit it.
fn in_netns(work: fn() -> (Duration, Duration)) -> (Duration, Duration) {
    let thread = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("root, or the namespace of `make bench`");
        work()
    });
    thread.join().expect("no panic")
}

fn twice(mut work: impl FnMut()) -> (Duration, Duration) {
    let mut once = || {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (once(), once())
}

fn in_process() -> (Duration, Duration) {
    let config = Settings::default().check().expect("defaults");
    let backend = backends::open(&config).expect("netlink");
    let mut keeper = Keeper::new(backend, config);
    twice(|| drop(keeper.apply(CanaryPolicy::Write).expect("apply")))
}

fn as_process() -> (Duration, Duration) {
    twice(|| run(env!("CARGO_BIN_EXE_chainkeeper"), "apply"))
}

fn run(program: &str, words: &str) {
    let _ = status(program, words);
}

fn status(program: &str, words: &str) -> bool {
    let mut command = Command::new(program);
    command.args(split(words)).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("program starts").success()
}

fn split(words: &str) -> Vec<String> {
    chainkeeper_contract::text::split(words).expect("quotes are closed")
}

/// Kubelet 1.24: -N for each chain, -C and then -A or -I for each rule, three canaries.
fn kubelet() -> (Duration, Duration) {
    twice(|| {
        for (tool, v4) in [("iptables-nft", true), ("ip6tables-nft", false)] {
            for (table, chain, rules) in SETS {
                run(tool, &format!("-w 5 -N {chain} -t {table}"));
                for (op, chain, rule) in *rules {
                    let localnet = rule.contains("127.0.0.0/8");
                    let found = || status(tool, &format!("-w 5 -C {chain} -t {table} {rule}"));
                    if (v4 || !localnet) && !found() {
                        run(tool, &format!("-w 5 {op} {chain} -t {table} {rule}"));
                    }
                }
            }
        }
    })
}

type Set = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);
const SETS: &[Set] = &[
    ("nat", "KUBE-MARK-DROP", &[("-A", "KUBE-MARK-DROP", "-j MARK --or-mark 0x00008000")]),
    (
        "filter",
        "KUBE-FIREWALL",
        &[
            (
                "-A",
                "KUBE-FIREWALL",
                "-m comment --comment \"kubernetes firewall for dropping marked packets\" \
                 -m mark --mark 0x00008000/0x00008000 -j DROP",
            ),
            (
                "-A",
                "KUBE-FIREWALL",
                "-m comment --comment \"block incoming localnet connections\" --dst 127.0.0.0/8 \
                 ! --src 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
            ),
            ("-I", "OUTPUT", "-j KUBE-FIREWALL"),
            ("-I", "INPUT", "-j KUBE-FIREWALL"),
        ],
    ),
    ("nat", "KUBE-MARK-MASQ", &[("-A", "KUBE-MARK-MASQ", "-j MARK --or-mark 0x00004000")]),
    (
        "nat",
        "KUBE-POSTROUTING",
        &[
            (
                "-I",
                "POSTROUTING",
                "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING",
            ),
            ("-A", "KUBE-POSTROUTING", "-m mark ! --mark 0x00004000/0x00004000 -j RETURN"),
            ("-A", "KUBE-POSTROUTING", "-j MARK --xor-mark 0x00004000"),
            (
                "-A",
                "KUBE-POSTROUTING",
                "-m comment --comment \"kubernetes service traffic requiring SNAT\" \
                 -j MASQUERADE --random-fully",
            ),
        ],
    ),
    ("mangle", "KUBE-IPTABLES-HINT", &[]),
    ("mangle", "KUBE-KUBELET-CANARY", &[]),
    ("nat", "KUBE-KUBELET-CANARY", &[]),
    ("filter", "KUBE-KUBELET-CANARY", &[]),
];

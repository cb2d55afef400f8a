//! First apply and idle pass, both families: in process by each encoder, as a process, and kubelet's own command
//! sequence with iptables-nft, all in the same run. Prints medians and ratios; asserts nothing.
use chainkeeper::config::{self, Settings};
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::CanaryPolicy;
use chainkeeper_nft::write::Encoder;
use chainkeeper_nft::{Dialect, NftBackend, Setup};
use nix::sched::{CloneFlags, unshare};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 30;

/// A way to do the job: its name, what it does, and how long the first and the second pass took.
struct Row {
    name: String,
    work: fn(Setup) -> (Duration, Duration),
    setup: Setup,
    first: Vec<Duration>,
    idle: Vec<Duration>,
}

impl Row {
    fn new(name: &str, setup: Setup, work: fn(Setup) -> (Duration, Duration)) -> Row {
        Row { name: name.into(), work, setup, first: vec![], idle: vec![] }
    }
}

fn main() {
    let setup = Setup::default();
    let by_encoder = |encoder: &Encoder| {
        let name = format!("in process, {}", encoder.name());
        Row::new(&name, Setup { encoder: *encoder, ..setup }, in_process)
    };
    let native = Setup { dialect: Dialect::Native, ..setup };
    let mut rows: Vec<Row> = Encoder::ALL.iter().map(by_encoder).collect();
    rows.push(Row::new("in process, native", native, in_process));
    rows.push(Row::new("as a process", setup, as_process));
    rows.push(Row::new("kubelet's sequence", setup, kubelet));
    for _ in 0..ROUNDS {
        for row in &mut rows {
            let (work, setup) = (row.work, row.setup);
            let (first, idle) = in_netns(move || work(setup));
            row.first.push(first);
            row.idle.push(idle);
        }
    }
    println!("{ROUNDS} rounds, each in a new network namespace; p50 and p99 in ms");
    println!("{:20} {:>8} {:>8} {:>8} {:>8}", "", "first", "p99", "idle", "p99");
    for row in &mut rows {
        let (f, i) = (quantiles(&mut row.first), quantiles(&mut row.idle));
        println!("{:20} {:8.2} {:8.2} {:8.2} {:8.2}", row.name, f.0, f.1, i.0, i.1);
    }
    let Some((kubelet, ours)) = rows.split_last_mut() else { return };
    let theirs = (quantiles(&mut kubelet.first).0, quantiles(&mut kubelet.idle).0);
    for row in ours {
        let (first, idle) = (quantiles(&mut row.first).0, quantiles(&mut row.idle).0);
        let (first, idle) = (theirs.0 / first, theirs.1 / idle);
        println!("kubelet / {}: first {first:.0}x, idle {idle:.0}x", row.name);
    }
}

fn quantiles(of: &mut [Duration]) -> (f64, f64) {
    of.sort();
    let at = |q: usize| of[(of.len() - 1) * q / 100].as_secs_f64() * 1e3;
    (at(50), at(99))
}

/// A new network namespace, gone with the thread; child processes inherit it.
fn in_netns(work: impl FnOnce() -> (Duration, Duration) + Send + 'static) -> (Duration, Duration) {
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

fn in_process(setup: Setup) -> (Duration, Duration) {
    let dialect = match setup.dialect {
        Dialect::Xt => config::Dialect::Xt,
        Dialect::Native => config::Dialect::Native,
    };
    let settings = Settings { dialect: Some(dialect), ..Settings::default() };
    let backend = NftBackend::open(setup).expect("netlink");
    let mut keeper = Keeper::new(Box::new(backend), settings.check().expect("settings"));
    twice(|| drop(keeper.apply(CanaryPolicy::Write).expect("apply")))
}

fn as_process(_: Setup) -> (Duration, Duration) {
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
fn kubelet(_: Setup) -> (Duration, Duration) {
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

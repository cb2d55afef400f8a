//! First apply and idle pass, both families, all in the same run: nft in process by each encoder and as a
//! process, legacy in process and as a process, and kubelet's own command sequence with each iptables.
//! Prints medians and ratios; asserts nothing.
use chainkeeper::config::{self, Settings};
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::{Backend, CanaryPolicy};
use chainkeeper_legacy::{LegacyBackend, Tools};
use chainkeeper_nft::write::Encoder;
use chainkeeper_nft::{Dialect, NftBackend, Setup};
use nix::sched::{CloneFlags, unshare};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 30;

/// What does the job.
#[derive(Clone, Copy)]
enum Way {
    Nft(Setup),
    Legacy,
    Process(&'static str),
    /// The tools' ending: `nft` or `legacy`.
    Kubelet(&'static str),
}

/// A way to do the job, and how long the first and the second pass took.
struct Row {
    name: String,
    way: Way,
    first: Vec<Duration>,
    idle: Vec<Duration>,
}

impl Row {
    fn new(name: &str, way: Way) -> Row {
        Row { name: name.into(), way, first: vec![], idle: vec![] }
    }
}

fn main() {
    let setup = Setup::default();
    let by_encoder = |encoder: &Encoder| {
        let way = Way::Nft(Setup { encoder: *encoder, ..setup });
        Row::new(&format!("nft, {}", encoder.name()), way)
    };
    let mut rows: Vec<Row> = Encoder::ALL.iter().map(by_encoder).collect();
    rows.push(Row::new(
        "nft, native dialect",
        Way::Nft(Setup { dialect: Dialect::Native, ..setup }),
    ));
    rows.push(Row::new("nft, a process", Way::Process("nft")));
    rows.push(Row::new("legacy", Way::Legacy));
    rows.push(Row::new("legacy, a process", Way::Process("legacy")));
    rows.push(Row::new("kubelet, nft", Way::Kubelet("nft")));
    rows.push(Row::new("kubelet, legacy", Way::Kubelet("legacy")));
    let scratch = tempfile::tempdir().expect("a folder for locks and memory");
    for _ in 0..ROUNDS {
        for row in &mut rows {
            let (way, folder) = (row.way, scratch.path().to_owned());
            let (first, idle) = in_netns(move || way.twice(&folder));
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
    let p50: Vec<(String, f64, f64)> = rows
        .iter_mut()
        .map(|r| (r.name.clone(), quantiles(&mut r.first).0, quantiles(&mut r.idle).0))
        .collect();
    let theirs = |ours: &str| {
        let name = if ours.starts_with("legacy") { "kubelet, legacy" } else { "kubelet, nft" };
        p50.iter().find(|r| r.0 == name)
    };
    for (name, first, idle) in p50.iter().filter(|r| !r.0.starts_with("kubelet")) {
        let Some((kubelet, f, i)) = theirs(name) else { continue };
        println!("{kubelet} / {name}: first {:.0}x, idle {:.0}x", f / first, i / idle);
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

impl Way {
    /// `folder`: for a lock and a memory that nobody else has.
    fn twice(self, folder: &Path) -> (Duration, Duration) {
        match self {
            Way::Nft(setup) => {
                let dialect = match setup.dialect {
                    Dialect::Xt => config::Dialect::Xt,
                    Dialect::Native => config::Dialect::Native,
                };
                let settings = Settings { dialect: Some(dialect), ..Settings::default() };
                in_process(Box::new(NftBackend::open(setup).expect("netlink")), settings)
            }
            Way::Legacy => {
                let tools = chainkeeper_legacy::Setup::with(Tools::find());
                let setup = chainkeeper_legacy::Setup { lock: folder.join("lock"), ..tools };
                let legacy = LegacyBackend::open(setup).expect("iptables-legacy");
                in_process(Box::new(legacy), Settings::default())
            }
            Way::Process(backend) => twice(|| {
                let words = format!("apply --backend {backend}");
                status(env!("CARGO_BIN_EXE_chainkeeper"), &words, folder);
            }),
            Way::Kubelet(ending) => {
                let [v4, v6] = ["ip", "ip6"].map(|l3| format!("{l3}tables-{ending}"));
                twice(|| kubelet([(&v4, true), (&v6, false)], folder))
            }
        }
    }
}

fn in_process(backend: Box<dyn Backend>, settings: Settings) -> (Duration, Duration) {
    let mut keeper = Keeper::new(backend, settings.check().expect("settings"));
    twice(|| drop(keeper.apply(CanaryPolicy::Write).expect("apply")))
}

fn status(program: &str, words: &str, folder: &Path) -> bool {
    let mut command = Command::new(program);
    command.env("STATE_DIRECTORY", folder).env("XTABLES_LOCKFILE", folder.join("lock"));
    command.args(split(words)).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("program starts").success()
}

fn split(words: &str) -> Vec<String> {
    chainkeeper_contract::text::split(words).expect("quotes are closed")
}

/// Kubelet 1.24: -N for each chain, -C and then -A or -I for each rule, three canaries.
fn kubelet(tools: [(&str, bool); 2], folder: &Path) {
    for (tool, v4) in tools {
        let run = |words: &str| status(tool, &format!("-w 5 {words}"), folder);
        for (table, chain, rules) in SETS {
            run(&format!("-N {chain} -t {table}"));
            for (op, chain, rule) in *rules {
                let localnet = rule.contains("127.0.0.0/8");
                let found = || run(&format!("-C {chain} -t {table} {rule}"));
                if (v4 || !localnet) && !found() {
                    run(&format!("{op} {chain} -t {table} {rule}"));
                }
            }
        }
    }
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

//! The gaps in tables, beside what kubelet's own watch promises.
//!
//! That is computed from its algorithm (1.2x, `pkg/util/iptables`, `Monitor`), nothing of it is measured:
//! it polls every 60 s whether KUBE-KUBELET-CANARY is in mangle. When it is gone, it waits up to 5 s until
//! those of nat and filter are gone, too, and makes all its chains again. A wipe comes at any moment
//! between two polls, so the wait is spread evenly over 60 s: half of them wait for more than 30 s.
use super::series::Series;
use super::wipe::Kind;

const POLL_MS: f64 = 60_000.0;
/// So long it waits for the other canaries, when only mangle was wiped.
const PARTIAL_MS: f64 = 5_000.0;

/// Three phases, then the whole beside kubelet's.
pub(crate) fn print(few: &[Series], all: &[Series]) {
    let phases = |row: &Series| {
        let phases = [&row.seen, &row.quiet, &row.repair].map(|phase| three(phase));
        println!("{:7}{:6}{:>5} {}", row.way, row.kind, row.whole.len(), phases.join(" "));
    };
    println!("ms after a wipe, in three phases; p50, p99 and max of each");
    println!("{:19}{:^19}{:^19}{:^18}", "settle 20ms  wipes", "seen", "quiet", "repair");
    all.iter().for_each(phases);
    println!("by default, settle 250ms");
    few.iter().for_each(phases);
    println!("\nthe whole gap in ms; kubelet's is computed, not measured");
    println!("{:24}{:>6}{:>6}{:>6}  kubelet's p50 is", "", "p50", "p99", "max");
    for row in all.iter().chain(few) {
        let default = if row.settle.is_none() { ", default" } else { "" };
        let name = format!("{} {}{default}", row.way, row.kind);
        println!("{name:24}{}  {}", three(&row.whole), beside(row.kind, &row.whole));
    }
    kubelets();
    rest(few, all);
}

/// What the figures above are made of.
fn rest(few: &[Series], all: &[Series]) {
    println!("\nof it the writer's own call, ms");
    for row in all {
        println!("{:7}{:17}{}", row.way, row.kind, three(&row.writing));
    }
    for row in all.iter().chain(few) {
        row.outliers().iter().for_each(|line| println!("{line}"));
    }
}

/// p50, p99 and max of milliseconds, 18 columns.
fn three(of: &[f64]) -> String {
    let short = |ms: f64| match ms {
        ms if ms < 10.0 => format!("{ms:6.2}"),
        ms if ms < 100.0 => format!("{ms:6.1}"),
        ms => format!("{ms:6.0}"),
    };
    [50, 99, 100].map(|q| short(quantile(of, q))).concat()
}

pub(crate) fn quantile(of: &[f64], q: usize) -> f64 {
    let mut of = of.to_vec();
    of.sort_by(f64::total_cmp);
    of.get(of.len().saturating_sub(1) * q / 100).copied().unwrap_or(f64::NAN)
}

/// How a gap of ours compares.
fn beside(kind: Kind, whole: &[f64]) -> String {
    match kind {
        Kind::Chain => "never: the canary stands".into(),
        Kind::All => format!("{:.0}x as long", POLL_MS / 2.0 / quantile(whole, 50)),
    }
}

/// Its rows, by kinds of wipes.
fn kubelets() {
    let even = |extra: f64| {
        let at = |share: f64| format!("{:6.0}", POLL_MS * share + extra);
        [0.50, 0.99, 1.0].map(at).concat()
    };
    let never = "  never seen";
    for (wiped, wait) in [
        ("all", even(0.0)),
        ("mangle only", even(PARTIAL_MS)),
        ("chain, rules", never.into()),
        ("nat or filter", never.into()),
    ] {
        println!("kubelet {wiped:16}{wait}");
    }
}

//! What was measured, in tables, beside what kubelet's own watch promises.
//!
//! That is computed from its algorithm (1.2x, `pkg/util/iptables`, `Monitor`), nothing of it is measured:
//! it polls every 60 s whether KUBE-KUBELET-CANARY is in mangle. When it is gone, it waits up to 5 s until
//! those of nat and filter are gone, too, and makes all its chains again. A wipe comes at any moment
//! between two polls, so the wait is spread evenly over 60 s: half of them wait for more than 30 s.
use super::repair::{FLOOR, KUBELET, OURS, RESTORE, Repairs};
use super::series::Series;
use crate::result::{Cell, Row, Table};
use crate::samples::Samples;

const POLL_MS: f64 = 60_000.0;
/// So long it waits for the other canaries, when only mangle was wiped.
const PARTIAL_MS: f64 = 5_000.0;

/// From a wipe until it is known.
pub(super) fn known<'a>(all: impl Iterator<Item = &'a Series> + Clone) -> Table {
    let row = |one: &Series| {
        let count = Cell::from(one.whole.len() as f64);
        let phases = pairs([&one.call, &one.heard, &one.seen]);
        Row::new(&one.name, [count].into_iter().chain(phases))
    };
    let odd = all.clone().filter(|one| one.odd > 0);
    let odd = odd.map(|one| format!("{}: {} gaps went otherwise; left out.", one.name, one.odd));
    Table {
        title: "known, ms".into(),
        columns: words(["wipes", "call", "p99", "heard", "p99", "seen", "p99"]),
        rows: all.map(row).collect(),
        notes: words(KNOWN).into_iter().chain(odd).collect(),
    }
}

const KNOWN: [&str; 1] = [""];

/// From there until it is repaired.
pub(super) fn repaired<'a>(all: impl Iterator<Item = &'a Series>) -> Table {
    let row = |one: &Series| Row::new(&one.name, pairs([&one.quiet, &one.repair, &one.whole]));
    Table {
        title: "repaired, ms".into(),
        columns: words(["quiet", "p99", "repair", "p99", "whole gap", "p99"]),
        rows: all.map(row).collect(),
        notes: words(REPAIRED),
    }
}

const REPAIRED: [&str; 1] = [""];

/// p50 and p99 of each.
fn pairs<const N: usize>(of: [&Samples; N]) -> impl Iterator<Item = Cell> {
    of.map(|one| [one.p50(), one.p99()].map(Cell::from)).into_iter().flatten()
}

/// The whole gap beside kubelet's, of a wipe of everything.
pub(super) fn beside_kubelet(ours: &[&Series]) -> Table {
    let row = |one: &&Series| {
        let of = [50, 99, 100].map(|percent| one.whole.quantile(percent));
        let ratio = kubelets_p50() / one.whole.p50();
        Row::numbers(&one.name, of.into_iter().chain([ratio]))
    };
    let even = |extra: f64| [0.50, 0.99, 1.0].map(|share| POLL_MS * share + extra);
    let never = |name: &str| Row::new(name, vec![Cell::from("never seen".to_owned()); 3]);
    let kubelets = [
        Row::numbers("kubelet computed, all", even(0.0)),
        Row::numbers("kubelet computed, mangle alone", even(PARTIAL_MS)),
        never("kubelet, chains or their rules"),
        never("kubelet, nat or filter alone"),
    ];
    Table {
        title: "the whole gap, ms".into(),
        columns: words(["p50", "p99", "most", "kubelet's x"]),
        rows: ours.iter().map(row).chain(kubelets).collect(),
        notes: words([
            "Kubelet's are computed from its algorithm, not measured: it asks every 60 s",
            "whether its canary is still in mangle, and a wipe comes at any moment between.",
        ]),
    }
}

/// Half of kubelet's gaps are longer.
pub(super) fn kubelets_p50() -> f64 {
    POLL_MS / 2.0
}

/// And this is the 99th of a hundred.
pub(super) fn kubelets_p99() -> f64 {
    POLL_MS * 0.99
}

/// That quantile of all repairs.
pub(super) fn repairs(all: &[Repairs], percent: usize) -> Table {
    let row = |one: &Repairs| {
        let of = |way: usize| one.took[way].quantile(percent);
        let [floor, ours, restore, kubelet] = [FLOOR, OURS, RESTORE, KUBELET].map(of);
        let ratios = [ours / floor, restore / ours, kubelet / ours];
        Row::numbers(one.name(), [floor, ours, restore, kubelet].into_iter().chain(ratios))
    };
    let failed = all.iter().filter(|one| one.failed > 0);
    let failed = failed.map(|r| format!("{}: {} passes failed.", r.name(), r.failed));
    Table {
        title: format!("a repair, p{percent} in ms"),
        columns: words(["floor", "ours", "restore", "kubelet", "o/f", "r/o", "k/o"]),
        rows: all.iter().map(row).collect(),
        notes: if percent == 50 { failed.collect() } else { vec![] },
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(String::from).to_vec()
}

//! What was measured, in tables, beside what kubelet's own watch promises.
//!
//! That is computed from its algorithm (1.2x, `pkg/util/iptables`, `Monitor`), nothing of it is measured:
//! it polls every 60 s whether KUBE-KUBELET-CANARY is in mangle. When it is gone, it waits up to 5 s until
//! those of nat and filter are gone, too, and makes all its chains again. A wipe comes at any moment
//! between two polls, so the wait is spread evenly over 60 s: half of them wait for more than 30 s.
use super::repair::{FLOOR, Repairs};
use super::series::Series;
use crate::result::{Cell, Row, Table};
use crate::samples::Samples;

const POLL_MS: f64 = 60_000.0;
/// So long it waits for the other canaries, when only mangle was wiped.
const PARTIAL_MS: f64 = 5_000.0;

/// From a wipe until it is known.
pub(super) fn known<'a>(all: impl Iterator<Item = &'a Series> + Clone) -> Table {
    let row = |one: &Series| {
        Row::new(one.label(), pairs([&one.call, &one.heard, &one.seen, &one.queued]))
    };
    let odd = all.clone().filter(|one| one.odd > 0);
    let odd = odd.map(|one| format!("{}: {} gaps went otherwise; left out.", one.label(), one.odd));
    Table {
        title: "known, ms".into(),
        columns: words(["call", "p99", "heard", "p99", "seen", "p99", "queued", "p99"]),
        rows: all.map(row).collect(),
        notes: words(KNOWN).into_iter().chain(odd).collect(),
    }
}

/// Why it takes as long as it does.
const KNOWN: [&str; 6] = [
    "Poll asks each 100 ms, legacy each second: nearly all of \"heard\" is that pace.",
    "A look waits for no writer: the kernel reads under RCU, without the lock of a",
    "commit. After a wipe of one chain it takes longer than after one of everything,",
    "because all the other chains are still there to be read. What is far above the",
    "median is the processor: news wakes one thread, and that one wakes the one that",
    "looks. \"Queued\" is how long these two stood in line for a core in a whole gap.",
];

/// From there until it is repaired.
pub(super) fn repaired<'a>(all: impl Iterator<Item = &'a Series>) -> Table {
    let row = |one: &Series| Row::new(one.label(), pairs([&one.quiet, &one.repair, &one.whole]));
    Table {
        title: "repaired, ms".into(),
        columns: words(["quiet", "p99", "repair", "p99", "whole gap", "p99"]),
        rows: all.map(row).collect(),
        notes: words(REPAIRED),
    }
}

const REPAIRED: [&str; 3] = [
    "The rest of 20 ms of quiet begins when a wipe is heard. Beside a restore it is",
    "long by design: each of its commits shows a writer that is not done. A repair",
    "of one chain reads all others, too.",
];

/// p50 and p99 of each.
fn pairs<const N: usize>(of: [&Samples; N]) -> impl Iterator<Item = Cell> {
    of.map(|one| [one.p50(), one.p99()].map(Cell::from)).into_iter().flatten()
}

/// The whole gap beside kubelet's, of a wipe of everything.
pub(super) fn beside_kubelet(ours: &[&Series]) -> Table {
    let row = |one: &&Series| {
        let of = [50, 99, 100].map(|percent| one.whole.quantile(percent));
        let ratio = kubelets_p50() / one.whole.p50();
        Row::numbers(one.label(), of.into_iter().chain([ratio]))
    };
    let even = |extra: f64| [0.50, 0.99, 1.0].map(|share| POLL_MS * share + extra);
    let never = |name: &str| Row::new(name, vec![Cell::from("never".to_owned()); 3]);
    let kubelets = [
        Row::numbers("kubelet computed, all", even(0.0)),
        Row::numbers("kubelet computed, mangle alone", even(PARTIAL_MS)),
        never("kubelet, chains or their rules"),
        never("kubelet, nat or filter alone"),
    ];
    Table {
        title: "the whole gap, ms".into(),
        columns: words(["p50", "p99", "most", "kubelet / ours"]),
        rows: ours.iter().map(row).chain(kubelets).collect(),
        notes: words([
            "Kubelet's are computed from its algorithm, not measured: it asks every 60 s",
            "whether its canary is still in mangle, and a wipe comes at any moment between.",
            "Never: that is not what it asks for.",
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
pub(super) fn repairs(all: &[Repairs], percent: usize, notes: Vec<String>) -> Table {
    let row = |one: &Repairs| {
        let all = one.took.each_ref().map(|took| took.quantile(percent));
        let [floor, ours, _, restore, kubelet] = all;
        Row::numbers(
            one.name(),
            all.into_iter().chain([ours / floor, restore / ours, kubelet / ours]),
        )
    };
    Table {
        title: format!("repair, p{percent} in ms"),
        columns: words(["floor", "ours", "+look", "restore", "kubelet", "o/f", "r/o", "k/o"]),
        rows: all.iter().map(row).collect(),
        notes,
    }
}

/// What the columns are, and what went wrong.
pub(super) fn of_repairs(all: &[Repairs]) -> Vec<String> {
    let count = |one: &Repairs| one.took[FLOOR].len().to_string();
    let counts: Vec<String> = all.iter().map(count).collect();
    let failed = all.iter().filter(|one| one.failed > 0);
    let failed =
        failed.map(|one| format!("{}: {} passes failed; left out.", one.name(), one.failed));
    words([
        "In process, so long after a wipe of everything. \"Floor\": our batch, encoded",
        "beforehand for that very generation and just sent. \"Ours\": looked, encoded and",
        "sent; \"+look\": and looked at again, to be sure. \"Restore\": iptables-nft-restore",
        "for both families; \"kubelet\": its sequence by iptables-nft. At 0 ms all wait",
        "for the kernel to destroy what was deleted before it takes an xt rule.",
    ])
    .into_iter()
    .chain([format!("Repairs by each way: {}.", counts.join(", "))])
    .chain(failed)
    .collect()
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(String::from).to_vec()
}

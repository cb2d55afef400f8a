//! The tracer against the kernel: random chains on two hosts, real conversations between them, and
//! each packet's fate and marks as predicted from what the backend reads there.
mod model;
mod pair;
mod random;
mod talk;

use chainkeeper_contract::Family;
use chainkeeper_contract::testing::Dice;
use chainkeeper_nft::Dialect;
use pair::Pair;
use std::collections::{BTreeMap, BTreeSet};
use talk::talk;

/// Cases of each family, and conversations of each case.
const CASES: u64 = 40;
const TALKS: u16 = 12;

/// A test in which nothing happens proves nothing.
const MUST_HAPPEN: [&str; 19] = [
    "dropped in OUTPUT",
    "dropped in POSTROUTING",
    "dropped in INPUT",
    "masqueraded",
    "to a random port",
    "to another port",
    "New",
    "New again",
    "Established",
    "Related",
    "Invalid",
    "Untracked",
    "Plain There",
    "Plain Back",
    "Plain Error",
    "Dnat Back",
    "Dnat Error",
    "Untracked Back",
    "Untracked Error",
];

/// What is predicted of the packets of one case, and what has happened at all.
#[derive(Default)]
struct Ledger {
    /// The number of the next packet.
    next: u16,
    /// For each host: packets that left it, with their mark.
    left: [BTreeSet<(u16, u32)>; 2],
    /// For each host: packets that went through its INPUT, with their mark.
    came: [BTreeSet<(u16, u32)>; 2],
    /// How often each thing was predicted.
    count: BTreeMap<String, usize>,
}

impl Ledger {
    fn note(&mut self, what: impl Into<String>) {
        *self.count.entry(what.into()).or_default() += 1;
    }
}

fn the_kernel_does_what_is_predicted(family: Family) {
    let mut pair = Pair::new(family);
    let mut ledger = Ledger::default();
    for seed in 1..=CASES {
        // Shown when the test fails.
        println!("seed {seed}");
        let mut dice = Dice::seeded(seed, 10_000);
        pair.rewrite(&mut dice, [Dialect::Xt, Dialect::Native][seed as usize % 2]);
        ledger = Ledger { count: ledger.count, ..Ledger::default() };
        for n in 0..TALKS {
            talk(&pair, seed as u16 * TALKS + n, &mut dice, &mut ledger);
        }
        pair.compare(&ledger);
    }
    println!("{:#?}", ledger.count);
    for what in MUST_HAPPEN {
        assert!(ledger.count.contains_key(what), "never happened: {what}");
    }
}

#[test]
fn the_kernel_does_to_ipv4_packets_what_is_predicted() {
    the_kernel_does_what_is_predicted(Family::Ipv4);
}

#[test]
fn the_kernel_does_to_ipv6_packets_what_is_predicted() {
    the_kernel_does_what_is_predicted(Family::Ipv6);
}

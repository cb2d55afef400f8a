//! What users feel: packets that the missing chains should have masqueraded or dropped.
mod keepers;
mod link;
mod scene;
mod show;

use crate::args::Args;
use crate::result::Measured;
use crate::world::{Kind, Watching, in_netns, joined};
use keepers::Keeper;
use scene::{Felt, PACE};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const ROUNDS: usize = 30;
/// Of the chain alone.
const FEW: usize = 8;

/// A keeper, and what each wipe was like.
struct Contender {
    keeper: Keeper,
    all: Vec<Felt>,
    chain: Vec<Felt>,
}

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let (rounds, few) = (args.rounds(ROUNDS), args.rounds(FEW));
    let [minute, five] = if args.quick { [3, 2] } else { [60, 5] };
    let wipes = [vec![Kind::All; rounds], vec![Kind::Chain; few]].concat();
    let mut contenders = ours(&wipes)?;
    contenders.extend(theirs([minute, five].map(Duration::from_secs), &wipes)?);
    Ok(Measured {
        name: "felt".into(),
        title: "What users feel: packets on their way while chains are missing".into(),
        about: format!(
            "{rounds} wipes of everything, {few} of the rules of KUBE-POSTROUTING, each in namespaces\n\
             of its own, with {PACE} packets a second that are to be masqueraded, each the first\n\
             of its connection, and {PACE} that are to be dropped. Counted is what arrives next\n\
             door with the wrong source, or at all. Connections are tracked throughout.\n\
             Wipes come at moments spread evenly over a keeper's pace. Ours run first, then\n\
             kubelets and loops, all at the same time. Kubelet asks for its canary every {minute} s\n\
             and, without it, does its sequence; a loop does that after each sleep of {five} s.{}",
            if args.quick { "\nThese are for a quick run: else it is 60 s and 5 s." } else { "" }
        ),
        tables: show::tables(&contenders),
        plots: show::plots(&contenders),
        targets: vec![],
    })
}

/// Each round has all of ours at the same time: they sleep nearly always.
fn ours(wipes: &[Kind]) -> anyhow::Result<Vec<Contender>> {
    let one = |watching, words| Keeper::Ours { watching, words };
    let mut all: Vec<Contender> = [
        one(Watching::Events, &[] as &[_]),
        one(Watching::Events, &["--heal-flows", link::SOURCES]),
        one(Watching::Events, &["--settle", "20ms"]),
        one(Watching::Poll, &[]),
        one(Watching::Poll, &["--heal-flows", link::SOURCES]),
    ]
    .map(Contender::new)
    .into();
    for (nth, kind) in wipes.iter().enumerate() {
        let threads: Vec<_> = all.iter().map(|one| one.begin(nth, *kind)).collect();
        for (one, felt) in all.iter_mut().zip(all_joined(threads)?) {
            one.add(*kind, felt);
        }
    }
    Ok(all)
}

/// One beside the other, each with one wipe: a minute is a minute. They begin one after another, or all would
/// write in the same moment; the loops last, as they are over soon.
fn theirs([minute, five]: [Duration; 2], wipes: &[Kind]) -> anyhow::Result<Vec<Contender>> {
    let mut all = [Keeper::Kubelet(minute), Keeper::Loop(five)].map(Contender::new);
    let mut threads = vec![];
    for one in &all {
        for (nth, kind) in wipes.iter().enumerate() {
            threads.push(one.begin(nth, *kind));
            thread::sleep(minute / 150);
        }
    }
    let felt = all_joined(threads)?;
    let turns = (0..all.len()).flat_map(|who| wipes.iter().map(move |kind| (who, *kind)));
    for ((who, kind), felt) in turns.zip(felt) {
        all[who].add(kind, felt);
    }
    Ok(all.into())
}

/// Whatever became of some, all have ended: none leaves a service behind.
fn all_joined<T>(threads: Vec<JoinHandle<anyhow::Result<T>>>) -> anyhow::Result<Vec<T>> {
    let ended: Vec<_> = threads.into_iter().map(joined).collect();
    ended.into_iter().collect()
}

/// A part of one, evenly spread and the same in each run: the golden ratio's steps.
fn spread(nth: usize) -> f64 {
    (nth as f64 * 0.618_033_988_75).fract()
}

impl Contender {
    fn new(keeper: Keeper) -> Contender {
        Contender { keeper, all: vec![], chain: vec![] }
    }

    /// In namespaces of its own.
    fn begin(&self, nth: usize, kind: Kind) -> JoinHandle<anyhow::Result<Felt>> {
        let keeper = self.keeper.clone();
        in_netns(move || scene::play(&keeper, kind, spread(nth)))
    }

    fn of(&self, kind: Kind) -> &[Felt] {
        match kind {
            Kind::All => &self.all,
            Kind::Chain => &self.chain,
        }
    }

    fn add(&mut self, kind: Kind, felt: Felt) {
        match kind {
            Kind::All => self.all.push(felt),
            Kind::Chain => self.chain.push(felt),
        }
    }
}

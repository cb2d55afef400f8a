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
            "{rounds} wipes of everything and {few} of the rules of KUBE-POSTROUTING, each in namespaces\n\
             of its own: {PACE} packets a second marked for masquerading, each the first of its\n\
             connection, and {PACE} marked to be dropped. Counted is what arrives next door with the\n\
             wrong source address, or at all. Wipes come at moments spread evenly over the pace of\n\
             each keeper. Ours run first; then kubelets and loops, all of them at the same time.\n\
             Kubelet asks for one of its canaries every {minute} s and then does its sequence; a loop\n\
             does it whenever it has slept {five} s.{}",
            if args.quick { " Only in a quick run: else it is 60 s and 5 s." } else { "" }
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
        for (one, thread) in all.iter_mut().zip(threads) {
            one.add(*kind, joined(thread)?);
        }
    }
    Ok(all)
}

/// One beside the other, each with one wipe: a minute is a minute. They begin one after another, or all would
/// write in the same moment; the loops last, as they are over soon.
fn theirs([minute, five]: [Duration; 2], wipes: &[Kind]) -> anyhow::Result<Vec<Contender>> {
    let mut all = [Keeper::Kubelet(minute), Keeper::Loop(five)].map(Contender::new);
    let begun = all.each_ref().map(|one| {
        let begin = |(nth, kind): (usize, &Kind)| {
            thread::sleep(minute / 150);
            (*kind, one.begin(nth, *kind))
        };
        wipes.iter().enumerate().map(begin).collect::<Vec<_>>()
    });
    for (one, threads) in all.iter_mut().zip(begun) {
        for (kind, thread) in threads {
            one.add(kind, joined(thread)?);
        }
    }
    Ok(all.into())
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

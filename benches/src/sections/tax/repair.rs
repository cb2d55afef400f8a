//! How long a repair keeps others from committing, and what they feel of it.
use crate::args::Args;
use crate::result::{Row, Table};
use crate::samples::{Samples, timed};
use crate::world::{Batches, Kind, Pass, Programs, Raw, Way, Writer, alone, nft};
use anyhow::ensure;
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::{Backend as _, BackendError, CanaryPolicy};
use chainkeeper_nft::netlink::Encoder;
use chainkeeper_nft::{NftBackend, Setup};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

const REPAIRS: usize = 100;
/// The writer counts as done.
const QUIET: Duration = Duration::from_millis(20);
/// Rounds of a second.
const SECONDS: usize = 8;
const SECOND: Duration = Duration::from_secs(1);
/// Everything is wiped and repaired so often.
const EVERY: Duration = Duration::from_millis(100);
/// Another thread commits so often.
const PACE: Duration = Duration::from_millis(2);

pub(super) fn measure(args: &Args) -> anyhow::Result<[Table; 2]> {
    let repairs = args.rounds(REPAIRS);
    Ok([alone(move || one_repair(repairs))?, felt(args.rounds(SECONDS))?])
}

fn pure() -> Setup {
    Setup { encoder: Encoder::Pure, ..Setup::default() }
}

/// The parts of a repair of everything, each after a wipe of its own.
fn one_repair(repairs: usize) -> anyhow::Result<Table> {
    let (mut keeper, mut backend) = (nft(pure())?, NftBackend::open(pure())?);
    let (mut raw, mut batches, mut writer) = (Raw::open()?, Batches::open()?, Writer::nft()?);
    keeper.apply(CanaryPolicy::Write)?;
    let mut parts: [Samples; 3] = Default::default();
    for _ in 0..repairs {
        wiped(&mut writer)?;
        let (ms, pass) = timed(|| keeper.apply(CanaryPolicy::Write));
        ensure!(pass?.is_well(), "the repair went wrong");
        parts[0].add(ms);
        wiped(&mut writer)?;
        let plan = keeper.look(CanaryPolicy::Write)?.plan();
        let (ms, applied) = timed(|| backend.apply(&plan));
        ensure!(applied?.commits == 1, "more than one commit");
        parts[1].add(ms);
        wiped(&mut writer)?;
        let batch = batches.now()?;
        let (ms, sent) = timed(|| raw.send(&batch));
        sent?;
        parts[2].add(ms);
    }
    let names = [
        "the pass: look, write, look again",
        "its write: encode, send, answers",
        "floor: just sent",
    ];
    Ok(Table {
        title: "repair of everything, ms".into(),
        columns: ["p50", "p99", "max"].map(String::from).to_vec(),
        rows: names.iter().zip(&parts).map(|(name, part)| row(name, part)).collect(),
        notes: vec![format!(
            "{repairs} of each. No other writer gets in while the write lasts, and no longer."
        )],
    })
}

fn wiped(writer: &mut Writer) -> anyhow::Result<()> {
    writer.wipe(Kind::All)?;
    sleep(QUIET);
    Ok(())
}

/// What another thread's commits meet.
#[derive(Debug, Clone, Copy)]
enum Busy {
    Nothing,
    Ours,
    Restores,
}

impl Busy {
    const EACH: [Busy; 3] = [Busy::Nothing, Busy::Ours, Busy::Restores];

    fn name(self) -> &'static str {
        match self {
            Busy::Nothing => "nothing else",
            Busy::Ours => "wipes, and our repairs",
            Busy::Restores => "wipes, and iptables-nft-restore",
        }
    }
}

fn felt(rounds: usize) -> anyhow::Result<Table> {
    let mut all: [Samples; 3] = Default::default();
    for _ in 0..rounds {
        for (busy, samples) in Busy::EACH.into_iter().zip(&mut all) {
            for ms in alone(move || second(busy))? {
                samples.add(ms);
            }
        }
    }
    Ok(Table {
        title: "small commits of another thread, ms, beside".into(),
        columns: ["p50", "p99", "max"].map(String::from).to_vec(),
        rows: Busy::EACH.iter().zip(&all).map(|(busy, of)| row(busy.name(), of)).collect(),
        notes: vec![
            format!(
                "{} commits each, one per {} ms; everything is wiped and repaired each {} ms.",
                all[0].len(),
                PACE.as_millis(),
                EVERY.as_millis()
            ),
            "The wipes are in it, with the kernel's wait after them: the same for both.".into(),
        ],
    })
}

/// A second of small commits: how long each took.
fn second(busy: Busy) -> anyhow::Result<Vec<f64>> {
    let (mut writer, done) = (Writer::nft()?, AtomicBool::new(false));
    thread::scope(|scope| {
        let repairs = scope.spawn(|| repairs(busy, &done));
        let began = Instant::now();
        let mut times = Vec::new();
        let mut commits = || -> anyhow::Result<()> {
            while began.elapsed() < SECOND {
                let (ms, done) = timed(|| writer.innocent());
                done?;
                times.push(ms);
                sleep(PACE);
            }
            Ok(())
        };
        let committed = commits();
        done.store(true, Ordering::Relaxed);
        repairs.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        committed.map(|()| times)
    })
}

fn repairs(busy: Busy, done: &AtomicBool) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut keeper, mut writer) = (nft(pure())?, Writer::nft()?);
    let mut restores = Way::Restore("nft").open(&Programs::new(folder.path()))?;
    while !done.load(Ordering::Relaxed) {
        let began = Instant::now();
        match busy {
            Busy::Nothing => {}
            Busy::Ours => ours(&mut writer, &mut keeper)?,
            Busy::Restores => theirs(&mut writer, &mut restores)?,
        }
        sleep(EVERY.saturating_sub(began.elapsed()));
    }
    Ok(())
}

fn ours(writer: &mut Writer, keeper: &mut Keeper) -> anyhow::Result<()> {
    writer.wipe(Kind::All)?;
    match keeper.apply(CanaryPolicy::Write) {
        // The other thread was faster each time: so it goes with those who commit without a pause.
        Err(BackendError::Busy { .. }) => Ok(()),
        done => {
            ensure!(done?.is_well(), "the repair went wrong");
            Ok(())
        }
    }
}

fn theirs(writer: &mut Writer, restores: &mut Pass) -> anyhow::Result<()> {
    writer.wipe(Kind::All)?;
    restores()
}

fn row(name: &str, samples: &Samples) -> Row {
    Row::numbers(name, [samples.p50(), samples.p99(), samples.quantile(100)])
}

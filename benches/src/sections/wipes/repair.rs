//! Repairs of both families after a wipe of everything, by each way so long after a wipe of its own.
use super::conditions::Condition;
use crate::result::Who;
use crate::samples::{Samples, timed};
use crate::world::{Batches, Kind, Pass, Programs, Raw, Way, Writer, nft, placed};
use anyhow::bail;
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::CanaryPolicy;
use chainkeeper_nft::Setup;
use chainkeeper_nft::netlink::Encoder;
use std::thread;
use std::time::{Duration, Instant};

/// By then the kernel has destroyed what was deleted.
const DESTROYED: Duration = Duration::from_millis(60);
/// So many batches of the floor may come too late, because somebody has committed meanwhile.
const LATE: usize = 20;

/// In the order of [`Repairs::took`].
pub(super) const REPAIRERS: [(&str, Who); 5] = [
    ("floor: our batch, just sent", Who::Floor),
    ("chainkeeper, in process", Who::Ours),
    ("the same, and looked at again", Who::Ours),
    ("iptables-nft-restore, 2 processes", Who::Theirs),
    ("kubelet's sequence, iptables-nft", Who::Theirs),
];
pub(super) const FLOOR: usize = 0;
pub(super) const OURS: usize = 1;
pub(super) const CHECKED: usize = 2;
pub(super) const RESTORE: usize = 3;

/// What is timed.
enum Repairer {
    /// A batch that was made beforehand is sent.
    Batch,
    /// Ours, until everything is in place.
    Placed(Box<Keeper>),
    Pass(Pass),
}

fn repairers(programs: &Programs) -> anyhow::Result<[Repairer; 5]> {
    let setup = Setup { encoder: Encoder::Pure, ..Setup::default() };
    let pass = |way: Way| way.open(programs).map(Repairer::Pass);
    Ok([
        Repairer::Batch,
        Repairer::Placed(Box::new(nft(setup)?)),
        pass(Way::Nft(setup))?,
        pass(Way::Restore("nft"))?,
        pass(Way::Kubelet("nft"))?,
    ])
}

/// Repairs under one condition, so long after the wipe.
#[derive(Debug)]
pub(super) struct Repairs {
    pub(super) condition: Condition,
    pub(super) delay: Duration,
    /// In ms, by way.
    pub(super) took: [Samples; 5],
    /// Those that failed, because somebody else was at work.
    pub(super) failed: usize,
}

impl Repairs {
    pub(super) fn name(&self) -> String {
        let ms = self.delay.as_millis();
        format!("{}, {ms} ms", self.condition)
    }
}

/// In the calling thread's network namespace.
pub(super) fn run(condition: Condition, delay: Duration, rounds: usize) -> anyhow::Result<Repairs> {
    let folder = tempfile::tempdir()?;
    let programs = Programs::new(folder.path());
    let mut scene = Scene {
        writer: Writer::nft()?,
        keeper: nft(Setup::default())?,
        batches: Batches::open()?,
        raw: Raw::open()?,
        delay,
    };
    let mut repairers = repairers(&programs)?;
    let mut repairs = Repairs { condition, delay, took: Default::default(), failed: 0 };
    let neighbours = condition.begin()?;
    for _ in 0..rounds {
        for (repairer, took) in repairers.iter_mut().zip(&mut repairs.took) {
            match scene.repair(repairer) {
                Ok(ms) => took.add(ms),
                Err(why) if condition == Condition::Alone => return Err(why),
                Err(_) => repairs.failed += 1,
            }
        }
    }
    neighbours.end()?;
    Ok(repairs)
}

/// No socket is closed between a wipe and the repair, see [`Batches`].
struct Scene {
    writer: Writer,
    /// Puts in place what is wiped.
    keeper: Keeper,
    batches: Batches,
    raw: Raw,
    delay: Duration,
}

impl Scene {
    /// How long one repair took.
    fn repair(&mut self, repairer: &mut Repairer) -> anyhow::Result<f64> {
        // What the last way has made may look different from ours.
        self.writer.wipe(Kind::All)?;
        self.keeper.apply(CanaryPolicy::Write)?;
        thread::sleep(DESTROYED);
        self.writer.wipe(Kind::All)?;
        let wiped = Instant::now();
        // For all ways, so that they all begin at the same moment.
        let batch = self.batches.now()?;
        thread::sleep(self.delay.saturating_sub(wiped.elapsed()));
        match repairer {
            Repairer::Batch => self.floor(batch),
            Repairer::Placed(keeper) => placed(keeper),
            Repairer::Pass(pass) => {
                let (ms, done) = timed(pass);
                done.map(|()| ms)
            }
        }
    }

    /// The sending of that batch. What comes too late is made anew, which is not timed.
    fn floor(&mut self, mut batch: Vec<u8>) -> anyhow::Result<f64> {
        let mut all = 0.0;
        for _ in 0..LATE {
            let (send, done) = timed(|| self.raw.send(&batch));
            all += send;
            if done.is_ok() {
                return Ok(all);
            }
            // Answers may be left in the old one.
            self.raw = Raw::open()?;
            batch = self.batches.now()?;
        }
        bail!("each batch came too late")
    }
}

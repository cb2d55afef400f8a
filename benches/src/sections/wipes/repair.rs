//! Repairs of both families after a wipe of everything, by each way so long after a wipe of its own.
use super::conditions::Condition;
use crate::result::Who;
use crate::samples::{Samples, timed};
use crate::world::{Batches, Kind, Pass, Programs, Raw, Way, Writer, nft};
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
pub(super) const REPAIRERS: [(&str, Who); 4] = [
    ("floor: our batch, just sent", Who::Floor),
    ("chainkeeper, in process", Who::Ours),
    ("iptables-nft-restore, 2 processes", Who::Theirs),
    ("kubelet's sequence, iptables-nft", Who::Theirs),
];
pub(super) const FLOOR: usize = 0;
pub(super) const OURS: usize = 1;
pub(super) const RESTORE: usize = 2;
pub(super) const KUBELET: usize = 3;

/// Who repairs: `None` for the floor, whose bytes are made after the wipe.
fn ways() -> [Option<Way>; 4] {
    let ours = Way::Nft(Setup { encoder: Encoder::Pure, ..Setup::default() });
    [None, Some(ours), Some(Way::Restore("nft")), Some(Way::Kubelet("nft"))]
}

/// Repairs under one condition, so long after the wipe.
#[derive(Debug)]
pub(super) struct Repairs {
    pub(super) condition: Condition,
    pub(super) delay: Duration,
    /// In ms, by way.
    pub(super) took: [Samples; 4],
    /// Passes that failed.
    pub(super) failed: usize,
}

impl Repairs {
    pub(super) fn name(&self) -> String {
        let ms = self.delay.as_millis();
        format!("{}, {ms} ms after", self.condition)
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
    let mut passes = Vec::new();
    for way in ways() {
        passes.push(way.map(|way| way.open(&programs)).transpose()?);
    }
    let mut repairs = Repairs { condition, delay, took: Default::default(), failed: 0 };
    let neighbours = condition.begin()?;
    for _ in 0..rounds {
        for (pass, took) in passes.iter_mut().zip(&mut repairs.took) {
            match scene.repair(pass.as_mut())? {
                Ok(ms) => took.add(ms),
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
    /// How long one repair took, or why it failed.
    fn repair(&mut self, pass: Option<&mut Pass>) -> anyhow::Result<anyhow::Result<f64>> {
        // What the last way has made may look different from ours.
        self.writer.wipe(Kind::All)?;
        self.keeper.apply(CanaryPolicy::Write)?;
        thread::sleep(DESTROYED);
        self.writer.wipe(Kind::All)?;
        let wiped = Instant::now();
        // For all ways, so that they all begin at the same moment.
        let batch = self.batches.now()?;
        thread::sleep(self.delay.saturating_sub(wiped.elapsed()));
        Ok(match pass {
            Some(pass) => {
                let (ms, done) = timed(pass);
                done.map(|()| ms)
            }
            None => self.floor(batch),
        })
    }

    /// The sending alone. A batch that comes too late is made anew.
    fn floor(&mut self, mut batch: Vec<u8>) -> anyhow::Result<f64> {
        let mut all = 0.0;
        for _ in 0..LATE {
            let (ms, done) = timed(|| self.raw.send(&batch));
            all += ms;
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

//! Wipes one after another, and what the service tells of each.
use crate::samples::{Samples, ms};
use crate::world::{Kind, Service, Told, Watching, Writer, wall};
use chainkeeper::story::Outcome;
use std::hint;
use std::thread;
use std::time::Duration;

/// Of the long series.
const SHORT: &str = "20ms";
/// A wipe is sent so soon after a millisecond of the wall clock has begun.
const SOON: u32 = 50_000;

/// Wipes of one kind: milliseconds of each. What follows `call` comes one after the other.
#[derive(Debug)]
pub(super) struct Series {
    /// How it is heard of, or what else goes on.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// How long the writer's own call took.
    pub(super) call: Samples,
    /// From its beginning until the service had heard of it.
    pub(super) heard: Samples,
    /// From then until a look had shown what is missing.
    pub(super) seen: Samples,
    /// From then until the repair began.
    pub(super) quiet: Samples,
    /// The repair.
    pub(super) repair: Samples,
    /// From the beginning of the call to the end of the repair.
    pub(super) whole: Samples,
    /// How long the threads that listen and look stood in line for a core meanwhile.
    pub(super) queued: Samples,
    /// Gaps that ended otherwise, or that were more than one for a wipe.
    pub(super) odd: usize,
}

/// The service that is watched while somebody wipes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) way: Watching,
    /// Of the service; `None`: its default.
    pub(super) settle: Option<&'static str>,
    pub(super) wipes: usize,
}

impl Plan {
    pub(super) fn short(way: Watching, wipes: usize) -> Plan {
        Plan { way, settle: Some(SHORT), wipes }
    }

    /// One service in the calling thread's network namespace, and all kinds in turn.
    pub(super) fn run(self, name: &str, kinds: &[Kind]) -> anyhow::Result<Vec<Series>> {
        let service = Service::start(self.way, self.settle)?;
        let mut writer = match self.way {
            Watching::Events | Watching::Poll => Writer::nft()?,
            Watching::Legacy => Writer::Legacy(service.lock()),
        };
        let mut all: Vec<Series> = kinds.iter().map(|kind| Series::of(name, *kind)).collect();
        for nth in 0..self.wipes {
            for (series, kind) in all.iter_mut().zip(kinds) {
                thread::sleep(pause(self.way, nth));
                series.odd += service.left_over();
                let queued = service.queued()?;
                next_millisecond();
                let (before, after) = writer.wipe(*kind)?;
                let told = service.gap()?;
                let queued = service.queued()?.saturating_sub(queued);
                series.add((before, after), &told, queued);
            }
        }
        Ok(all)
    }
}

/// Evenly spread over the pace, and the same in each run: the golden ratio's steps.
fn pause(way: Watching, nth: usize) -> Duration {
    let (least, most) = way.pace();
    least + (most - least).mul_f64((nth as f64 * 0.618_033_988_75).fract())
}

/// A story's date is cut to milliseconds. Of a wipe that is sent right after one has begun it tells whether
/// it was heard within that one.
fn next_millisecond() {
    while wall().subsec_nanos() % 1_000_000 > SOON {
        hint::spin_loop();
    }
}

impl Series {
    fn of(name: &str, kind: Kind) -> Series {
        let [call, heard, seen, quiet, repair, whole, queued] = Default::default();
        let name = name.into();
        Series { name, kind, call, heard, seen, quiet, repair, whole, queued, odd: 0 }
    }

    pub(super) fn label(&self) -> String {
        format!("{}, {}", self.name, self.kind)
    }

    fn add(&mut self, (before, after): (Duration, Duration), told: &Told, queued: Duration) {
        let Outcome::Repaired { took_ms, gap_ms, detected_ms: Some(detected_ms), .. } =
            told.gap.outcome
        else {
            self.odd += 1;
            return;
        };
        // When the service heard of it: at most what the arrival of its story says, and what its date says.
        let dated = Duration::from_millis(told.at_ms + 1);
        let heard = (ms(told.arrived) - gap_ms).min(ms(dated)) - ms(before);
        self.call.add(ms(after.saturating_sub(before)));
        self.heard.add(heard);
        self.seen.add(detected_ms);
        self.quiet.add(gap_ms - detected_ms - took_ms);
        self.repair.add(took_ms);
        self.whole.add(heard + gap_ms);
        self.queued.add(ms(queued));
    }
}

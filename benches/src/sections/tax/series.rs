//! The same work beside each listener, round by round.
use super::beside::Beside;
use crate::result::{Bar, Row, Table, Target};
use crate::samples::{Samples, timed};
use crate::world::{Used, alone, cpu};
use nix::sys::resource::UsageWho;
use std::thread::sleep;
use std::time::Duration;

/// What the last round leaves is taken down in the background.
const BETWEEN: Duration = Duration::from_millis(300);
/// The listener has done by then what the writer gave it to do.
const AFTER: Duration = Duration::from_millis(200);
/// The ratio that counts as nothing, where the noise is not larger.
const NOTHING: f64 = 1.02;

/// What a writer needed, and the listener for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taxed {
    wall: f64,
    cpu: f64,
    own: f64,
}

impl Taxed {
    /// In ms. The work is done by child processes, or by this thread.
    pub(super) fn of(
        who: UsageWho,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Taxed> {
        let (cpu, (wall, done)) = cpu(who, || Ok(timed(work)))?;
        done.map(|()| Taxed { wall, cpu, own: f64::NAN })
    }
}

/// In the order of [`Beside::EACH`]: one of each in a round.
#[derive(Debug)]
pub(super) struct Series([Vec<Taxed>; 5]);

impl Series {
    pub(super) fn run(
        rounds: usize,
        work: impl Fn() -> anyhow::Result<Taxed> + Clone + Send + 'static,
    ) -> anyhow::Result<Series> {
        let mut all = Series(Default::default());
        for nth in 0..rounds * Beside::EACH.len() {
            // Each is as often the first of a round as the others.
            let of = (nth + nth / Beside::EACH.len()) % Beside::EACH.len();
            let work = work.clone();
            all.0[of].push(alone(move || beside(Beside::EACH[of], work))?);
            sleep(BETWEEN);
        }
        Ok(all)
    }

    /// In another unit.
    pub(super) fn scaled(mut self, by: f64) -> Series {
        for taxed in self.0.iter_mut().flatten() {
            *taxed = Taxed { wall: taxed.wall * by, cpu: taxed.cpu * by, own: taxed.own * by };
        }
        self
    }

    fn of(&self, beside: Beside) -> &[Taxed] {
        &self.0[beside as usize]
    }

    fn samples(&self, beside: Beside, figure: fn(&Taxed) -> f64) -> Samples {
        self.of(beside).iter().map(figure).collect()
    }

    fn ratio(&self, beside: Beside, figure: fn(&Taxed) -> f64) -> f64 {
        let rounds = self.of(beside).iter().zip(self.of(Beside::Nobody));
        rounds.map(|(with, without)| figure(with) / figure(without)).collect::<Samples>().p50()
    }

    pub(super) fn table(&self, what: &str, unit: &str) -> Table {
        let row = |beside: Beside| {
            let of = |figure| {
                let samples = self.samples(beside, figure);
                [samples.quantile(0), samples.p50(), self.ratio(beside, figure)]
            };
            let own = self.samples(beside, |taxed| taxed.own).p50();
            Row::numbers(
                beside.name(),
                [of(|t| t.cpu), of(|t| t.wall)].concat().into_iter().chain([own]),
            )
        };
        let rounds = self.0[0].len();
        Table {
            title: format!("{what}, {unit}"),
            columns: ["CPU min", "p50", "x", "time min", "p50", "x", "own"]
                .map(String::from)
                .to_vec(),
            rows: Beside::EACH.map(row).into(),
            notes: vec![format!("{rounds} rounds")],
        }
    }

    /// Whoever asks at a pace is none of the writer's business.
    pub(super) fn target(&self, what: &str) -> Target {
        let cpu = |beside| self.ratio(beside, |taxed| taxed.cpu);
        let noise = cpu(Beside::Again);
        let limit = NOTHING.max(noise).max(noise.recip());
        Target::at_most(&format!("{what}: CPU, poll / nobody"), cpu(Beside::Poll), limit, "x")
    }

    pub(super) fn bars(&self) -> Vec<Bar> {
        let bar = |beside: Beside| {
            let samples = self.samples(beside, |taxed| taxed.cpu);
            let (p50, p99) = (samples.p50(), samples.p99());
            Bar { name: beside.name().into(), who: beside.who(), p50, p99 }
        };
        Beside::EACH.map(bar).into()
    }
}

fn beside(beside: Beside, work: impl FnOnce() -> anyhow::Result<Taxed>) -> anyhow::Result<Taxed> {
    let listener = beside.start()?;
    let used = || listener.pid().map(Used::by).transpose();
    let before = used()?;
    let taxed = work()?;
    sleep(AFTER);
    let own = before.zip(used()?).map(|(before, after)| after.since(before).cpu / 1e3);
    Ok(Taxed { own: own.unwrap_or(f64::NAN), ..taxed })
}

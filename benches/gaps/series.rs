//! Wipes one after another, and what the service tells of each.
use super::ms;
use super::service::{Service, Told, Way};
use super::table::quantile;
use super::wipe::{Kind, Writer};
use chainkeeper::story::Outcome;
use std::thread;
use std::time::Duration;

/// Wipes of one kind. Milliseconds, one for each wipe.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) way: Way,
    pub(crate) kind: Kind,
    /// `None`: the default.
    pub(crate) settle: Option<&'static str>,
    /// How long the writer's call took.
    pub(crate) writing: Vec<f64>,
    /// From then until a look had shown it.
    pub(crate) seen: Vec<f64>,
    /// From then until the repair began.
    pub(crate) quiet: Vec<f64>,
    /// The repair.
    pub(crate) repair: Vec<f64>,
    /// All of it.
    pub(crate) whole: Vec<f64>,
    /// Gaps that ended otherwise, or that were more than one for a wipe.
    odd: usize,
}

/// With one service for all kinds.
pub(crate) fn run(
    way: Way,
    settle: Option<&'static str>,
    kinds: &[Kind],
    wipes: usize,
) -> anyhow::Result<Vec<Series>> {
    let service = Service::start(way, settle)?;
    let writer = match way {
        Way::Events | Way::Poll => Writer::nft()?,
        Way::Legacy => Writer::Legacy(service.lock()),
    };
    let of = |kind: &Kind| {
        let mut series = Series::of(way, *kind, settle);
        for nth in 0..wipes {
            thread::sleep(pause(way, nth));
            series.odd += service.left_over();
            let (before, after) = writer.wipe(*kind)?;
            series.add(before, after, &service.gap()?);
        }
        Ok(series)
    };
    kinds.iter().map(of).collect()
}

/// Evenly spread over the pace, and the same in each run: the golden ratio's steps.
fn pause(way: Way, nth: usize) -> Duration {
    let (least, most) = way.pace();
    least + (most - least).mul_f64((nth as f64 * 0.618_033_988_75).fract())
}

impl Series {
    fn of(way: Way, kind: Kind, settle: Option<&'static str>) -> Series {
        let [writing, seen, quiet, repair, whole] = [(); 5].map(|()| Vec::new());
        Series { way, kind, settle, writing, seen, quiet, repair, whole, odd: 0 }
    }

    fn add(&mut self, before: Duration, after: Duration, told: &Told) {
        let Outcome::Repaired { took_ms, gap_ms, detected_ms: Some(detected_ms), .. } =
            told.gap.outcome
        else {
            self.odd += 1;
            return;
        };
        // When the service first heard of it: at most what its arrival says, and what its date says,
        // which is cut to milliseconds.
        let dated = Duration::from_millis(told.at_ms + 1);
        let heard = (ms(told.arrived) - gap_ms).min(ms(dated)) - ms(before);
        self.writing.push(ms(after.saturating_sub(before)));
        self.seen.push(heard + detected_ms);
        self.quiet.push(gap_ms - detected_ms - took_ms);
        self.repair.push(took_ms);
        self.whole.push(heard + gap_ms);
    }

    /// What is far from the rest, for whoever asks why.
    pub(crate) fn outliers(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let name = format!("{} {}", self.way, self.kind);
        if self.odd > 0 {
            lines.push(format!("{name}: {} gaps that ended otherwise", self.odd));
        }
        // More than the pace of the watch explains.
        let (least, most) = self.way.pace();
        let far = quantile(&self.whole, 50) * 2.0 + ms(most - least);
        let most = self.whole.iter().enumerate().filter(|(_, whole)| **whole > far);
        let mut most: Vec<(usize, &f64)> = most.collect();
        most.sort_by(|a, b| b.1.total_cmp(a.1));
        for (nth, whole) in most.iter().take(3) {
            let phases = [&self.seen, &self.quiet, &self.repair].map(|all| all[*nth]);
            let [seen, quiet, repair] = phases.map(|ms| format!("{ms:.1}"));
            lines.push(format!(
                "outlier, {name}, wipe {nth}: {whole:.1} = {seen} + {quiet} + {repair} ms"
            ));
        }
        lines
    }
}

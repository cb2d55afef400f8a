//! Times, and what is said of them.
use std::time::{Duration, Instant};

/// One figure for each round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, value: f64) {
        let at = self.0.partition_point(|other| *other < value);
        self.0.insert(at, value);
    }

    /// Of no samples: not a number, which no table shows.
    pub(crate) fn quantile(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn p50(&self) -> f64 {
        self.quantile(50)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.quantile(99)
    }

    /// How many are at most that.
    pub(crate) fn up_to(&self, value: f64) -> usize {
        self.0.partition_point(|other| *other <= value)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Samples {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Samples(values)
    }
}

/// How long it took, in ms, and what came of it.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let done = work();
    (ms(start.elapsed()), done)
}

pub(crate) fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

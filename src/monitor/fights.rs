//! Who undoes what we mend: rounds are counted, pauses grow, and past the bound a chain is left as the
//! other side wants it, to be tried again at growing distance.
use super::MonitorConfig;
use crate::damage::ChainKey;
use std::collections::BTreeMap;
use std::time::Duration;

/// The shortest growing pause, where `settle` is shorter.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest pause before a repair.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest time for which a chain is yielded.
const YIELD_MOST: Duration = Duration::from_secs(3600);

/// One chain that was mended lately.
#[derive(Debug, Clone, Copy, Default)]
struct Fight {
    rounds: u32,
    /// When we mended it last.
    mended: Duration,
    /// How often it was yielded.
    yields: u32,
    /// When to try again, while it is yielded.
    again: Option<Duration>,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fights(BTreeMap<ChainKey, Fight>);

impl Fights {
    /// Who insists yields nothing, and what is not kept is not fought over.
    pub(super) fn other_config(&mut self, config: &MonitorConfig) {
        self.0.retain(|key, fight| {
            config.keep.has_key(key) && !(config.insist && fight.again.is_some())
        });
    }

    /// We have mended the chain.
    pub(super) fn mended(&mut self, key: &ChainKey, now: Duration) {
        let fight = self.0.entry(key.clone()).or_default();
        fight.mended = now;
        fight.again = None;
    }

    /// The chain is damaged again, this soon. If that was once too often: how often, and for how long it is
    /// yielded.
    pub(super) fn undone(
        &mut self,
        key: &ChainKey,
        now: Duration,
        config: &MonitorConfig,
    ) -> Option<(u32, Duration)> {
        let fight = self.0.get_mut(key)?;
        if fight.again.is_some() {
            return None; // tried again
        }
        fight.rounds = fight.rounds.saturating_add(1);
        // Once yielded it stays so often: one more try that is undone, and it is yielded again.
        if config.insist || fight.rounds < config.rounds {
            return None;
        }
        let length = doubled(config.yield_for, fight.yields, YIELD_MOST.max(config.yield_for));
        fight.yields = fight.yields.saturating_add(1);
        fight.again = Some(now.saturating_add(length));
        Some((fight.rounds, length))
    }

    /// Forgets chains that stayed as we mended them; those that had been yielded.
    pub(super) fn calm(
        &mut self,
        now: Duration,
        config: &MonitorConfig,
        damaged: impl Fn(&ChainKey) -> bool,
    ) -> Vec<ChainKey> {
        let over = |fight: &Fight| now.saturating_sub(fight.mended) >= config.window;
        let gone: Vec<ChainKey> = self
            .0
            .iter()
            .filter(|(key, f)| f.again.is_none_or(|at| at <= now) && over(f) && !damaged(key))
            .map(|(key, _)| key.clone())
            .collect();
        let yielded = |key: &ChainKey| self.0.remove(key).filter(|f| f.yields > 0).is_some();
        gone.into_iter().filter(yielded).collect()
    }

    /// How long a damaged chain is left so, beside `settle`.
    pub(super) fn pause(&self, key: &ChainKey, config: &MonitorConfig) -> Duration {
        // The one try after a yield does not wait any longer.
        let fight = self.0.get(key).filter(|fight| !config.insist && fight.again.is_none());
        match fight.map_or(0, |fight| fight.rounds) {
            0..=2 => Duration::ZERO, // twice in 30 s is nobody's habit yet
            rounds => doubled(config.settle.max(SHORTEST), rounds - 2, LONGEST.max(config.settle)),
        }
    }

    /// The chain is left alone now.
    pub(super) fn is_yielded(&self, key: &ChainKey, now: Duration) -> bool {
        self.0.get(key).and_then(|fight| fight.again).is_some_and(|at| now < at)
    }

    /// Those that are left alone, and until when.
    pub(super) fn yielded(&self) -> BTreeMap<ChainKey, Duration> {
        let until = |(key, fight): (&ChainKey, &Fight)| Some((key.clone(), fight.again?));
        self.0.iter().filter_map(until).collect()
    }

    /// The next moment at which something here changes by itself.
    pub(super) fn next(&self, now: Duration, config: &MonitorConfig) -> Option<Duration> {
        let next = |fight: &Fight| match fight.again {
            Some(at) if at > now => at,
            _ => fight.mended.saturating_add(config.window),
        };
        self.0.values().map(next).filter(|at| *at > now).min()
    }
}

/// `first`, doubled so many times, at most `most`.
pub(super) fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(most)
}

//! What must hold after every step, from what was sighted: told apart from how the monitor finds it.
use chainkeeper::damage::ChainKey;
use chainkeeper::monitor::{Decision, Monitor, MonitorConfig, Sighting};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug, Clone, Default)]
pub(super) struct Law {
    /// Our own commits.
    pub(super) ours: BTreeSet<u32>,
    paused: Option<Duration>,
    /// The generation of the last answer.
    seen: Option<u32>,
    /// The last commit of others that was told.
    last: Option<Duration>,
    /// The first that was told since an order began, and before that.
    first: Option<Duration>,
    covered: Option<Duration>,
    /// For each chain that is missing, the first commit that may have taken it.
    since: BTreeMap<ChainKey, Duration>,
}

impl Law {
    pub(super) fn sighted(&mut self, now: Duration, sighting: &Sighting) {
        match sighting {
            Sighting::Commit(Some(g)) => {
                if self.seen.is_none_or(|seen| seen != *g && g.wrapping_sub(seen) < u32::MAX / 2) {
                    self.first.get_or_insert(now);
                    if !self.ours.contains(g) {
                        self.last = Some(now);
                    }
                }
            }
            Sighting::Commit(None) | Sighting::Lost => {
                self.first.get_or_insert(now);
                self.last = Some(now);
            }
            Sighting::Findings(answer) => self.seen = answer.generation.or(self.seen),
            Sighting::Pause(length) => self.paused = Some(now.saturating_add(*length)),
            Sighting::Resume => self.paused = None,
            Sighting::Time => {}
        }
        self.paused = self.paused.filter(|until| now < *until);
        self.last = self.last.map(|last| last.min(now)); // the clock may have gone back
    }

    /// The monitor has taken in an answer.
    pub(super) fn answered(&mut self, now: Duration, monitor: &Monitor) {
        let damage = monitor.damage();
        let since = self.covered.or(self.first).unwrap_or(now);
        self.since.retain(|key, _| damage.0.contains_key(key));
        for key in damage.0.into_keys() {
            self.since.entry(key).or_insert(since);
        }
    }

    /// An order begins.
    pub(super) fn begins(&mut self) {
        (self.covered, self.first) = (self.first, None);
    }

    pub(super) fn holds(
        &self,
        now: Duration,
        monitor: &Monitor,
        rules: &MonitorConfig,
        decision: &Decision,
    ) {
        if let Decision::Rest(Some(until)) = decision {
            assert!(*until > now || now == Duration::MAX, "{until:?} is over at {now:?}");
        }
        let Decision::Write { chains, .. } = decision else { return };
        assert_eq!(self.paused, None, "a write in a pause");
        assert!(!rules.keep.is_nothing(), "a write where nothing is kept");
        for (key, again) in monitor.yielded() {
            assert!(again <= now || !chains.has(&key), "{key} is yielded and not held");
        }
        for key in monitor.damage().0.into_keys().filter(|k| chains.has(k)) {
            let quiet = self.last.is_none_or(|last| last.saturating_add(rules.settle) <= now);
            let late = self.since[&key].saturating_add(rules.bound) <= now;
            assert!(
                quiet || late || !rules.keep.has_key(&key),
                "{key} is not due at {now:?}: {chains:?}, last {:?}, since {:?}",
                self.last,
                self.since[&key]
            );
        }
    }
}

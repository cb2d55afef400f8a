//! When to look and when to write: `step(now, sighting) -> decision`. Pure: time comes in, as what has
//! passed since any fixed moment, and nothing here sleeps, asks or writes.
//!
//! 1. *The generation decides*: a commit that the last look has seen, ours among them, causes no look.
//! 2. *Nobody is interrupted*: after damage, writing waits for `settle` without a commit, bounded.
//! 3. *Nobody is fought*: see `fights`.
//! 4. *An error is no damage*: what could not be read is looked at again, after growing pauses.
mod answered;
mod config;
mod decide;
mod fights;
mod gap;
mod heard;
mod keep;
mod sighting;

pub use config::MonitorConfig;
pub use keep::Keep;
pub use sighting::{Decision, Findings, News, Sighting};

use crate::damage::{ChainKey, Damage, Selection};
use chainkeeper_contract::Family;
use fights::{Fights, doubled};
use gap::Gap;
use heard::Heard;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest pause that anybody may ask for.
pub const PAUSE_MOST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Looks are at least so far apart.
pub const COALESCE: Duration = Duration::from_millis(10);
/// The first pause after a failure; each further one is twice as long.
const RETRY: Duration = Duration::from_secs(1);
/// The longest.
const RETRY_MOST: Duration = Duration::from_secs(60);

/// What is being done at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Looking,
    Writing,
}

/// What failed: how often in a row, and when to try again.
#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    again: Duration,
}

/// The state of the watch over one host.
#[derive(Debug, Clone)]
pub struct Monitor {
    config: MonitorConfig,
    doing: Option<Doing>,
    heard: Heard,
    looked: Option<Duration>,
    /// What is missing of what we keep, but for what is yielded.
    kept: Option<Gap>,
    /// What is missing of what we only watch.
    watched: Option<Gap>,
    /// What is missing of what is yielded.
    yielded: Damage,
    /// Families that could not be read.
    unread: BTreeMap<Family, Failures>,
    /// Writes that came to nothing.
    refused: Option<Failures>,
    /// Chains that a write did not mend.
    stuck: BTreeMap<ChainKey, Failures>,
    /// When to look at everything again.
    pass: Duration,
    pause: Option<Duration>,
    fights: Fights,
    /// Since when KUBE-KUBELET-CANARY is missing, and nobody has made it.
    canaries: BTreeMap<Family, Duration>,
    /// A canary of our own is missing.
    own_canary: bool,
    /// Nothing was written by this configuration yet.
    fresh: bool,
    /// What is being written.
    chains: Selection,
    /// How long nobody had committed when that began.
    quiet: Duration,
    news: Vec<News>,
}

impl Monitor {
    /// Has seen nothing yet: the first decision is to write what is missing (to look, where nothing is
    /// kept).
    pub fn new(config: MonitorConfig) -> Monitor {
        Monitor {
            config,
            doing: None,
            heard: Heard::default(),
            looked: None,
            kept: None,
            watched: None,
            yielded: Damage::default(),
            unread: BTreeMap::new(),
            refused: None,
            stuck: BTreeMap::new(),
            pass: Duration::ZERO,
            pause: None,
            fights: Fights::default(),
            canaries: BTreeMap::new(),
            own_canary: false,
            fresh: true,
            chains: Selection::default(),
            quiet: Duration::ZERO,
            news: Vec::new(),
        }
    }

    /// Goes on by another configuration; what is known stays known. Everything is looked at anew.
    pub fn reconfigure(&mut self, config: MonitorConfig) {
        self.fights.other_config(&config);
        self.config = config;
        (self.refused, self.stuck) = (None, BTreeMap::new());
        self.fresh = true;
    }

    /// The backend is another one now. What was seen of the old one is forgotten.
    pub fn moved(&mut self) {
        let (pause, doing) = (self.pause, self.doing);
        *self = Monitor { pause, doing, fresh: false, ..Monitor::new(self.config.clone()) };
    }

    /// Takes in what was sighted, and says what to do now. What is not [`Decision::Rest`] is to be done,
    /// and its [`Sighting::Findings`] brought; until then every decision is to rest.
    pub fn step(&mut self, now: Duration, sighting: Sighting) -> Decision {
        // Before anything new: what stayed until now is over, whatever became of it now.
        let (kept, yielded) = (&self.kept, &self.yielded);
        let damaged =
            |k: &ChainKey| yielded.0.contains_key(k) || kept.as_ref().is_some_and(|gap| gap.has(k));
        for chain in self.fights.calm(now, &self.config, damaged) {
            self.news.push(News::Recovered { chain });
        }
        match sighting {
            Sighting::Time => {}
            Sighting::Commit(generation) => self.heard.commit(now, generation),
            Sighting::Lost => self.heard.commit(now, None),
            Sighting::Findings(findings) => self.answered(now, &findings),
            Sighting::Pause(length) => self.pause = Some(now.saturating_add(length)),
            Sighting::Resume => {
                self.pause = None;
                (self.refused, self.stuck) = (None, BTreeMap::new());
            }
        }
        if self.pause.is_some_and(|until| until <= now) {
            self.pause = None;
            self.news.push(News::PauseEnded);
        }
        if self.yielded.0.keys().any(|key| !self.fights.is_yielded(key, now)) {
            self.pass = self.pass.min(now); // to be tried again: sorted anew by a look
        }
        self.decide(now)
    }

    /// What there is to tell, in order; each once.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Until when nothing is written, if that was asked for.
    pub fn paused(&self) -> Option<Duration> {
        self.pause
    }

    /// Something is missing and the writer may not be done: a watch that is asked is asked often.
    pub fn is_close(&self) -> bool {
        self.pause.is_none() && self.kept.is_some()
            || self.watched.as_ref().is_some_and(Gap::untold)
    }

    /// What is missing now, as far as it was looked at: kept or watched, and yielded.
    pub fn damage(&self) -> Damage {
        let mut all = self.yielded.clone();
        for gap in [&self.kept, &self.watched].into_iter().flatten() {
            all.join(&gap.damage);
        }
        all
    }

    /// Chains that are left as others want them; when each is tried again.
    pub fn yielded(&self) -> BTreeMap<ChainKey, Duration> {
        self.fights.yielded()
    }
}

/// One failure more.
fn failed(now: Duration, before: Option<&Failures>) -> Failures {
    let count = before.map_or(0, |f| f.count);
    let again = now.saturating_add(doubled(RETRY, count, RETRY_MOST));
    Failures { count: count.saturating_add(1), again }
}

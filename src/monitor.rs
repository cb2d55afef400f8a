//! When to look and when to write: `step(now, sighting) -> verdict`. Pure: time comes in, as what has
//! passed since any fixed moment, and nothing here sleeps, asks or writes.
//!
//! 1. *The generation decides*: a commit that the last look has seen, ours among them, causes no look.
//! 2. *Nobody is interrupted*: after damage, writing waits for `settle` without a commit, bounded.
//! 3. *Nobody is fought*: see `fights`.
//! 4. *An error is no damage*: what could not be read is looked at again, after growing pauses.
mod fights;
mod gap;
mod heard;
mod rules;
mod sighting;

pub use rules::{Keep, Rules};
pub use sighting::{Answer, News, Sighting, Verdict};

use crate::damage::{ChainKey, Damage, Selection};
use chainkeeper_contract::Family;
use fights::{Fights, doubled};
use gap::Gap;
use heard::Heard;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    rules: Rules,
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
    /// Nothing was written by these rules yet.
    fresh: bool,
    /// What is being written.
    chains: Selection,
    /// How long nobody had committed when that began.
    quiet: Duration,
    news: Vec<News>,
}

impl Monitor {
    /// Has seen nothing yet: the first verdict is to write what is missing (to look, where nothing is
    /// kept).
    pub fn new(rules: Rules) -> Monitor {
        Monitor {
            rules,
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

    /// Goes on by other rules; what is known stays known. Everything is looked at anew.
    pub fn reconfigure(&mut self, rules: Rules) {
        self.rules = rules;
        (self.refused, self.stuck) = (None, BTreeMap::new());
        self.fresh = true;
    }

    /// The backend is another one now. What was seen of the old one is forgotten.
    pub fn moved(&mut self) {
        let (pause, doing) = (self.pause, self.doing);
        *self = Monitor { pause, doing, fresh: false, ..Monitor::new(self.rules.clone()) };
    }

    /// Takes in what was sighted, and says what to do now. What is not [`Verdict::Rest`] is to be done,
    /// and its [`Sighting::Answer`] brought; until then every verdict is to rest.
    pub fn step(&mut self, now: Duration, sighting: Sighting) -> Verdict {
        // Before anything new: what stayed until now is over, whatever became of it now.
        let (kept, yielded) = (&self.kept, &self.yielded);
        let damaged =
            |k: &ChainKey| yielded.0.contains_key(k) || kept.as_ref().is_some_and(|gap| gap.has(k));
        for chain in self.fights.calm(now, &self.rules, damaged) {
            self.news.push(News::Recovered { chain });
        }
        match sighting {
            Sighting::Time => {}
            Sighting::Commit(generation) => self.heard.commit(now, generation),
            Sighting::Lost => self.heard.commit(now, None),
            Sighting::Answer(answer) => self.answered(now, &answer),
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

    /// What a look or a write has found, and left.
    fn answered(&mut self, now: Duration, answer: &Answer) {
        let wrote = self.doing.take() == Some(Doing::Writing);
        let heard = self.heard.answered(now, answer.generation, answer.commits > 0);
        // A look that others cause in between is no try of its own.
        let unread = |family: &Family| match self.unread.get(family) {
            Some(failures) if now < failures.again => (*family, *failures),
            failures => (*family, failed(now, failures)),
        };
        self.unread = answer.unread.iter().map(unread).collect();
        let written = wrote && !answer.failed;
        let mended = if written { self.mends(answer) } else { BTreeSet::new() };
        self.found(now, heard, &answer.found, answer, &mended);
        self.own_canary = answer.own_canary;
        if wrote {
            self.refused = answer.failed.then(|| failed(now, self.refused.as_ref()));
        }
        if written {
            self.written(now, answer, &mended);
            self.found(now, None, &answer.left, answer, &mended);
        }
        self.canaries
            .retain(|family, _| answer.canaries.contains(family) || answer.unread.contains(family));
        for family in &answer.canaries {
            self.canaries.entry(*family).or_insert(now);
        }
    }

    /// What a write brought back: what it was to write, could read, and does not leave missing.
    fn mends(&self, answer: &Answer) -> BTreeSet<ChainKey> {
        let ours = |key: &&ChainKey| {
            self.is_written(key)
                && !answer.unread.contains(&key.family)
                && !answer.left.0.contains_key(*key)
        };
        answer.found.0.keys().filter(ours).cloned().collect()
    }

    /// What is being written may write that chain.
    fn is_written(&self, key: &ChainKey) -> bool {
        self.rules.keep.has_key(key) && self.chains.has(key)
    }

    /// Sorts what is missing: kept, watched or yielded. `since`: the first news that may be of it;
    /// `mended`: it was found, and is there again already.
    fn found(
        &mut self,
        now: Duration,
        since: Option<Duration>,
        missing: &Damage,
        answer: &Answer,
        mended: &BTreeSet<ChainKey>,
    ) {
        let mut missing = missing.0.clone();
        let unread = |key: &ChainKey| answer.unread.contains(&key.family);
        missing.extend(self.damage().0.into_iter().filter(|(key, _)| unread(key)));
        let (mut kept, mut watched) = (Damage::default(), Damage::default());
        self.yielded = Damage::default();
        for (key, loss) in missing {
            let known = self.kept.as_ref().is_some_and(|gap| gap.has(&key));
            // During a pause somebody is asked to undo it.
            let new = !known && !mended.contains(&key) && self.pause.is_none();
            let place = if !self.rules.keep.has_key(&key) {
                &mut watched
            } else if self.fights.is_yielded(&key, now) {
                &mut self.yielded
            } else if let Some((rounds, length)) =
                new.then(|| self.fights.undone(&key, now, &self.rules)).flatten()
            {
                self.news.push(News::Yielded { chain: key.clone(), rounds, again: length });
                &mut self.yielded
            } else {
                &mut kept
            };
            place.0.insert(key, loss);
        }
        if since.is_none() && self.grew(&kept, &watched) {
            self.heard.silent(now);
        }
        let since = since.unwrap_or(now);
        self.stuck.retain(|key, _| kept.0.contains_key(key));
        gap::update(&mut self.kept, kept, true, since, &mut self.news);
        gap::update(&mut self.watched, watched, false, since, &mut self.news);
    }

    fn grew(&self, kept: &Damage, watched: &Damage) -> bool {
        let more = |new: &Damage, old: &Option<Gap>| match old {
            Some(gap) => new.exceeds(&gap.damage),
            None => !new.is_empty(),
        };
        more(kept, &self.kept) || more(watched, &self.watched)
    }

    /// After a write: what it mended, and what it should have.
    fn written(&mut self, now: Duration, answer: &Answer, mended: &BTreeSet<ChainKey>) {
        for key in mended {
            self.fights.mended(key, now);
            self.stuck.remove(key);
        }
        let left: Vec<&ChainKey> = answer.left.0.keys().filter(|k| self.is_written(k)).collect();
        for key in left {
            let failures = failed(now, self.stuck.get(key));
            self.stuck.insert(key.clone(), failures);
        }
        if let Some((damage, since)) = self.kept.as_mut().and_then(|gap| gap.mended(mended)) {
            self.news.push(News::Mended { damage, since, quiet: self.quiet });
        }
        self.kept = self.kept.take().filter(|gap| !gap.damage.is_empty());
    }
}

/// One failure more.
fn failed(now: Duration, before: Option<&Failures>) -> Failures {
    let count = before.map_or(0, |f| f.count);
    let again = now.saturating_add(doubled(RETRY, count, RETRY_MOST));
    Failures { count: count.saturating_add(1), again }
}

/// What to do now.
impl Monitor {
    fn decide(&mut self, now: Duration) -> Verdict {
        if self.doing.is_some() {
            return Verdict::Rest(None);
        }
        let writes = self.pause.is_none() && !self.rules.keep.is_nothing();
        let refused = self.refused.map(|f| f.again).filter(|again| writes && *again > now);
        let writes = writes && refused.is_none();
        if self.fresh {
            self.fresh = false;
            return if writes { self.write_all(now) } else { self.pass(now) };
        }
        let next = self.looked.map_or(now, |at| at.saturating_add(COALESCE));
        let look = self.heard.unseen().map(|_| next);
        let looks = look.is_some_and(|at| at <= now);
        // A look comes first, but not twice: else who writes without end would keep us looking.
        let by = self.looked.filter(|_| looks).unwrap_or(now);
        let wait = self.rules.canary_wait;
        let canary = |since: Duration| since.saturating_add(wait);
        let due = self.canaries.iter().filter(|(_, since)| writes && canary(**since) <= by);
        let due: BTreeSet<Family> = due.map(|(family, _)| *family).collect();
        let mends = writes && self.kept_keys().any(|key| self.due(now, key) <= by);
        if mends || !due.is_empty() {
            return self.write_due(now, due);
        }
        self.tell_what_would_be(now, by);
        if self.pass <= by || self.unread.values().any(|f| f.again <= by) {
            return match self.own_canary && writes {
                true => self.write_due(now, BTreeSet::new()),
                false => self.pass(now),
            };
        }
        if looks {
            return self.start(now, Doing::Looking, Verdict::Look);
        }
        let chains = self.kept_keys().filter(|_| writes).map(|key| self.due(now, key));
        let wakes = chains
            .chain(look)
            .chain(self.canaries.values().filter(|_| writes).map(|since| canary(*since)))
            .chain(self.unread.values().map(|f| f.again))
            .chain(self.pause)
            .chain(refused)
            .chain(self.fights.next(now, &self.rules))
            .chain(self.watched.iter().filter(|g| g.untold()).map(|g| self.quiet_at(g.grew)))
            .chain([self.pass]);
        Verdict::Rest(wakes.min())
    }

    fn start(&mut self, now: Duration, doing: Doing, verdict: Verdict) -> Verdict {
        self.doing = Some(doing);
        self.looked = Some(now);
        self.heard.started();
        verdict
    }

    fn pass(&mut self, now: Duration) -> Verdict {
        self.pass = now.saturating_add(self.rules.sync_period);
        self.start(now, Doing::Looking, Verdict::Pass)
    }

    /// Everything, but for what is yielded or known to wait.
    fn write_all(&mut self, now: Duration) -> Verdict {
        let waiting = self.kept_keys().filter(|key| self.due(now, key) > now).cloned();
        let yielded = self.fights.yielded().into_keys().filter(|k| self.fights.is_yielded(k, now));
        let chains = Selection::AllBut(waiting.chain(yielded).collect());
        self.write(now, chains, Family::ALL.into())
    }

    /// What is due.
    fn write_due(&mut self, now: Duration, canaries: BTreeSet<Family>) -> Verdict {
        let due = self.kept_keys().filter(|key| self.due(now, key) <= now).cloned();
        let chains = Selection::Only(due.collect());
        self.write(now, chains, canaries)
    }

    fn write(&mut self, now: Duration, chains: Selection, canaries: BTreeSet<Family>) -> Verdict {
        self.pass = now.saturating_add(self.rules.sync_period);
        // If that does not bring it, it waits as long again.
        let asked = self.canaries.iter_mut().filter(|(family, _)| canaries.contains(family));
        asked.for_each(|(_, since)| *since = now);
        self.chains.clone_from(&chains);
        self.quiet = self.heard.quiet(now);
        self.start(now, Doing::Writing, Verdict::Write { chains, canaries })
    }

    fn kept_keys(&self) -> impl Iterator<Item = &ChainKey> {
        self.kept.iter().flat_map(|gap| gap.chains.keys())
    }

    /// When the writer counts as done, of damage that was first seen then.
    fn quiet_at(&self, since: Duration) -> Duration {
        let bound = since.saturating_add(self.rules.bound);
        self.heard.last().unwrap_or(since).saturating_add(self.rules.settle).min(bound)
    }

    /// When a chain is written.
    fn due(&self, now: Duration, key: &ChainKey) -> Duration {
        let since = self.kept.as_ref().and_then(|gap| gap.chains.get(key)).copied().unwrap_or(now);
        let fight = since.saturating_add(self.fights.pause(key, &self.rules));
        let stuck = self.stuck.get(key).map_or(Duration::ZERO, |f| f.again);
        let unread = self.unread.get(&key.family).map_or(Duration::ZERO, |f| f.again);
        self.quiet_at(since).max(fight).max(stuck).max(unread)
    }

    /// Of chains that are only watched, and were left so until `by`.
    fn tell_what_would_be(&mut self, now: Duration, by: Duration) {
        let at = self.watched.as_ref().map(|gap| self.quiet_at(gap.grew));
        let quiet = self.heard.quiet(now);
        if let Some(gap) = self.watched.as_mut().filter(|g| g.untold())
            && at.is_some_and(|at| at <= by)
        {
            gap.told = gap.damage.clone();
            let (damage, since) = (gap.damage.clone(), gap.grew);
            self.news.push(News::WouldMend { damage, since, quiet });
        }
    }
}

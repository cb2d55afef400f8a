//! What a look or a write came to: sorted into what is kept, watched or yielded.
use super::gap::{self, Gap};
use super::{Doing, Findings, Monitor, News, failed};
use crate::damage::{ChainKey, Damage};
use chainkeeper_contract::Family;
use std::collections::BTreeSet;
use std::time::Duration;

impl Monitor {
    /// What a look or a write has found, and left.
    pub(super) fn answered(&mut self, now: Duration, findings: &Findings) {
        // A pass that follows others to the other backend has written there.
        let wrote = self.doing.take() == Some(Doing::Writing) || findings.commits > 0;
        let heard = self.heard.answered(now, findings);
        // A look that others cause in between is no try of its own.
        let unread = |family: &Family| match self.unread.get(family) {
            Some(failures) if now < failures.again => (*family, *failures),
            failures => (*family, failed(now, failures)),
        };
        self.unread = findings.unread.iter().map(unread).collect();
        let written = wrote && !findings.failed;
        let mended = if written { self.mends(findings) } else { BTreeSet::new() };
        self.found(now, heard, &findings.found, findings, &mended);
        self.own_canary = findings.own_canary;
        if wrote {
            self.refused = findings.failed.then(|| failed(now, self.refused.as_ref()));
        }
        if written {
            self.written(now, findings, &mended);
            self.found(now, None, &findings.left, findings, &mended);
        }
        self.canaries.retain(|family, _| {
            findings.canaries.contains(family) || findings.unread.contains(family)
        });
        for family in &findings.canaries {
            self.canaries.entry(*family).or_insert(now);
        }
    }

    /// What a write brought back: what it was to write, could read, and does not leave missing.
    fn mends(&self, findings: &Findings) -> BTreeSet<ChainKey> {
        let ours = |key: &&ChainKey| {
            self.is_written(key)
                && !findings.unread.contains(&key.family)
                && !findings.left.0.contains_key(*key)
        };
        findings.found.0.keys().filter(ours).cloned().collect()
    }

    /// What is being written may write that chain.
    fn is_written(&self, key: &ChainKey) -> bool {
        self.config.keep.has_key(key) && self.chains.has(key)
    }

    /// Sorts what is missing: kept, watched or yielded. `since`: the first news that may be of it;
    /// `mended`: it was found, and is there again already.
    fn found(
        &mut self,
        now: Duration,
        since: Option<Duration>,
        missing: &Damage,
        findings: &Findings,
        mended: &BTreeSet<ChainKey>,
    ) {
        let mut missing = missing.0.clone();
        let unread = |key: &ChainKey| findings.unread.contains(&key.family);
        missing.extend(self.damage().0.into_iter().filter(|(key, _)| unread(key)));
        let (mut kept, mut watched) = (Damage::default(), Damage::default());
        self.yielded = Damage::default();
        for (key, loss) in missing {
            let known = self.kept.as_ref().is_some_and(|gap| gap.has(&key));
            // During a pause somebody is asked to undo it.
            let new = !known && !mended.contains(&key) && self.pause.is_none();
            let place = if !self.config.keep.has_key(&key) {
                &mut watched
            } else if self.fights.is_yielded(&key, now) {
                &mut self.yielded
            } else if let Some((rounds, length)) =
                new.then(|| self.fights.undone(&key, now, &self.config)).flatten()
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
    fn written(&mut self, now: Duration, findings: &Findings, mended: &BTreeSet<ChainKey>) {
        for key in mended {
            self.fights.mended(key, now);
            self.stuck.remove(key);
        }
        let left: Vec<&ChainKey> = findings.left.0.keys().filter(|k| self.is_written(k)).collect();
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

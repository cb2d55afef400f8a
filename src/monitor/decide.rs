//! What to do now.
use super::{COALESCE, Decision, Doing, Monitor, News};
use crate::damage::{ChainKey, Selection};
use chainkeeper_contract::Family;
use std::collections::BTreeSet;
use std::time::Duration;

impl Monitor {
    pub(super) fn decide(&mut self, now: Duration) -> Decision {
        if self.doing.is_some() {
            return Decision::Rest(None);
        }
        let writes = self.pause.is_none() && !self.config.keep.is_nothing();
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
        let wait = self.config.canary_wait;
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
            return self.start(now, Doing::Looking, Decision::Look);
        }
        let chains = self.kept_keys().filter(|_| writes).map(|key| self.due(now, key));
        let wakes = chains
            .chain(look)
            .chain(self.canaries.values().filter(|_| writes).map(|since| canary(*since)))
            .chain(self.unread.values().map(|f| f.again))
            .chain(self.pause)
            .chain(refused)
            .chain(self.fights.next(now, &self.config))
            .chain(self.watched.iter().filter(|g| g.untold()).map(|g| self.quiet_at(g.grew)))
            .chain([self.pass]);
        Decision::Rest(wakes.min())
    }

    fn start(&mut self, now: Duration, doing: Doing, decision: Decision) -> Decision {
        self.doing = Some(doing);
        self.looked = Some(now);
        self.heard.started();
        decision
    }

    fn pass(&mut self, now: Duration) -> Decision {
        self.pass = now.saturating_add(self.config.sync_period);
        self.start(now, Doing::Looking, Decision::Pass)
    }

    /// Everything, but for what is yielded or known to wait.
    fn write_all(&mut self, now: Duration) -> Decision {
        let waiting = self.kept_keys().filter(|key| self.due(now, key) > now).cloned();
        let yielded = self.fights.yielded().into_keys().filter(|k| self.fights.is_yielded(k, now));
        let chains = Selection::AllBut(waiting.chain(yielded).collect());
        self.write(now, chains, Family::ALL.into())
    }

    /// What is due.
    fn write_due(&mut self, now: Duration, canaries: BTreeSet<Family>) -> Decision {
        let due = self.kept_keys().filter(|key| self.due(now, key) <= now).cloned();
        let chains = Selection::Only(due.collect());
        self.write(now, chains, canaries)
    }

    fn write(&mut self, now: Duration, chains: Selection, canaries: BTreeSet<Family>) -> Decision {
        self.pass = now.saturating_add(self.config.sync_period);
        // If that does not bring it, it waits as long again.
        let asked = self.canaries.iter_mut().filter(|(family, _)| canaries.contains(family));
        asked.for_each(|(_, since)| *since = now);
        self.chains.clone_from(&chains);
        self.quiet = self.heard.quiet(now);
        self.start(now, Doing::Writing, Decision::Write { chains, canaries })
    }

    fn kept_keys(&self) -> impl Iterator<Item = &ChainKey> {
        self.kept.iter().flat_map(|gap| gap.chains.keys())
    }

    /// When the writer counts as done, of damage that was first seen then.
    fn quiet_at(&self, since: Duration) -> Duration {
        let bound = since.saturating_add(self.config.bound);
        self.heard.last().unwrap_or(since).saturating_add(self.config.settle).min(bound)
    }

    /// When a chain is written.
    fn due(&self, now: Duration, key: &ChainKey) -> Duration {
        let since = self.kept.as_ref().and_then(|gap| gap.chains.get(key)).copied().unwrap_or(now);
        let fight = since.saturating_add(self.fights.pause(key, &self.config));
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

//! What was told of others' commits, and what of it the last look has seen.
use super::Findings;
use std::time::Duration;

/// News since some look.
#[derive(Debug, Clone, Copy, Default)]
struct Since {
    /// The newest generation.
    newest: Option<u32>,
    /// One came without a generation: nobody can tell what has seen it.
    blind: bool,
    first: Option<Duration>,
    /// The last, and the last before the newest generation.
    last: Option<Duration>,
    earlier: Option<Duration>,
}

impl Since {
    fn hear(&mut self, now: Duration, generation: Option<u32>) {
        match generation {
            Some(new) if self.newest.is_none_or(|old| newer(new, old)) => {
                self.newest = generation;
                self.earlier = self.last;
            }
            Some(_) => {}
            None => self.blind = true,
        }
        self.first.get_or_insert(now);
        self.last = Some(now);
    }
}

/// What was heard.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    /// The generation of the last look, or of our commit after it.
    seen: Option<u32>,
    /// Since that look.
    unseen: Since,
    /// While something is being done: since it began.
    meanwhile: Option<Since>,
    /// The last commit of others, as far as is known.
    last: Option<Duration>,
}

impl Heard {
    /// Somebody has committed. What the last look has seen is no news.
    pub(super) fn commit(&mut self, now: Duration, generation: Option<u32>) {
        if let (Some(new), Some(seen)) = (generation, self.seen)
            && !newer(new, seen)
        {
            return;
        }
        match &mut self.meanwhile {
            Some(meanwhile) => meanwhile.hear(now, generation),
            None => {
                self.unseen.hear(now, generation);
                self.last = Some(now);
            }
        }
    }

    /// Something is done now that looks at everything so far.
    pub(super) fn started(&mut self) {
        self.meanwhile = Some(Since::default());
    }

    /// It was done, and saw this generation. Returns the first of the news that it may be about.
    pub(super) fn answered(&mut self, now: Duration, findings: &Findings) -> Option<Duration> {
        let (generation, wrote) = (findings.generation, findings.commits > 0);
        let meanwhile = self.meanwhile.take().unwrap_or_default();
        let covered = std::mem::take(&mut self.unseen);
        let known = meanwhile.newest.or(covered.newest).or(self.seen);
        let unnoticed = !wrote
            && !covered.blind
            && matches!((generation, known), (Some(new), Some(old)) if newer(new, old));
        self.seen = generation.or(self.seen);
        let ahead = match (meanwhile.newest, generation) {
            (Some(told), Some(seen)) => newer(told, seen),
            (told, _) => told.is_some(),
        };
        if ahead || meanwhile.blind {
            self.unseen = meanwhile;
        } else if wrote && generation.is_none() {
            // What somebody took at once looks to a watch as it did before we wrote.
            self.unseen.hear(now, None);
        }
        let ours = meanwhile.newest.is_some_and(|newest| findings.ours.contains(&newest));
        let others = if ours && !meanwhile.blind { meanwhile.earlier } else { meanwhile.last };
        self.last = if unnoticed { Some(now) } else { others.or(self.last) };
        covered.first.or(meanwhile.first)
    }

    /// Something has happened of which nobody told.
    pub(super) fn silent(&mut self, now: Duration) {
        self.last = Some(now);
    }

    /// The first of the news that no look has seen.
    pub(super) fn unseen(&self) -> Option<Duration> {
        self.unseen.first
    }

    /// The last commit of others.
    pub(super) fn last(&self) -> Option<Duration> {
        self.last
    }

    /// How long ago that was.
    pub(super) fn quiet(&self, now: Duration) -> Duration {
        now.saturating_sub(self.last.unwrap_or_default())
    }
}

/// Generations wrap around.
fn newer(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < u32::MAX / 2
}

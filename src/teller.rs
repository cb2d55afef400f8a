//! Makes the story of what is sighted: who took what, and how it came back. Keeps its last pages.
use crate::culprit::Culprit;
use crate::damage::{ChainKey, Damage};
use crate::monitor::News;
use crate::status::Day;
use crate::story::{Event, Gap, Outcome, Suspects, What, taken};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Events that are kept.
const KEPT: usize = 1000;
/// Commits between two looks of which it is remembered who made them.
const SUSPECTS: usize = 256;
/// Of those who may have done it, so many are named.
const NAMED: usize = 8;
/// Times that more was missing, of one gap, of which it is told who did it.
const TIMES: usize = 16;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A gap that has not ended.
#[derive(Debug, Clone, Default)]
struct Open {
    by: Vec<Suspects>,
    /// How many commits of others there were before the first loss.
    before: Option<u32>,
    /// When looks showed that more was missing.
    shown: Vec<Duration>,
}

/// The moment of a telling, by both clocks: milliseconds since 1970, and the monitor's own.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Wall clock, since 1970.
    pub wall: Duration,
    /// Since the monitor's beginning.
    pub now: Duration,
}

impl Moment {
    /// The wall clock at an earlier moment of the monitor, in milliseconds.
    fn at_ms(self, then: Duration) -> u64 {
        let ago = self.now.saturating_sub(then);
        u64::try_from(self.wall.saturating_sub(ago).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Keeps the story.
#[derive(Debug, Default)]
pub struct Teller {
    events: VecDeque<Event>,
    told: u64,
    suspects: Vec<(Option<u32>, Culprit)>,
    /// The generation of the last look.
    seen: Option<u32>,
    /// Commits of others so far, and before the last look.
    others: u32,
    before: Option<u32>,
    /// The last look did not see everything.
    partial: bool,
    kept: Open,
    watched: Open,
    /// Who undid a chain when it was yielded.
    yielded: BTreeMap<ChainKey, (Vec<Suspects>, u32)>,
}

impl Teller {
    /// What was missing was placed, not taken: the next gap begins anew.
    pub fn placed(&mut self) {
        self.kept = Open::default();
    }

    /// The same story, of another backend.
    pub fn moved(&mut self) {
        let (events, told) = (std::mem::take(&mut self.events), self.told);
        *self = Teller { events, told, ..Teller::default() };
    }

    /// Somebody has committed.
    pub fn heard(&mut self, generation: Option<u32>, culprit: Culprit) {
        if self.suspects.len() < SUSPECTS {
            self.suspects.push((generation, culprit));
        }
    }

    /// A look was made at that generation. Returns who else committed since the last one. `ours`: the
    /// generations that are ours; `partial`: not everything could be read.
    pub fn looked(
        &mut self,
        generation: Option<u32>,
        ours: &BTreeSet<u32>,
        partial: bool,
    ) -> Suspects {
        let nobody = Suspects { any_of: vec![], incomplete: true };
        // A look that failed has seen nothing: all that is known waits for the next.
        self.before = None;
        let Some(after) = generation else { return nobody };
        let newer = |g: u32| g.wrapping_sub(after).wrapping_sub(1) < u32::MAX / 2;
        let (later, heard): (Vec<_>, Vec<_>) = std::mem::take(&mut self.suspects)
            .into_iter()
            .partition(|(generation, _)| generation.is_some_and(newer));
        self.suspects = later;
        let before = self.seen.replace(after);
        self.before = before.map(|_| self.others);
        let Some(before) = before else { return nobody };
        let between = after.wrapping_sub(before);
        let since = |g: &u32| (1..=between).contains(&g.wrapping_sub(before));
        let own = ours.iter().filter(|g| since(g)).map(|_| 1).sum::<u32>();
        let commits = between.saturating_sub(own);
        self.others = self.others.wrapping_add(commits);
        let others = |g: u32| since(&g) && !ours.contains(&g);
        let (mut any_of, mut known) = (Vec::new(), 0);
        for (_, culprit) in heard.into_iter().filter(|(g, _)| g.is_some_and(others)) {
            known += 1;
            if !any_of.contains(&culprit) {
                any_of.push(culprit);
            }
        }
        let hidden = std::mem::replace(&mut self.partial, partial) || any_of.len() > NAMED;
        any_of.truncate(NAMED);
        let incomplete = hidden || known < commits || any_of.iter().any(|c| c.name.is_none());
        Suspects { any_of, incomplete }
    }

    /// Takes in what the monitor tells of that look. What was to be told is returned, and kept.
    pub fn tell(&mut self, at: Moment, news: News, by: &Suspects, took_ms: f64) -> Option<Event> {
        let ms = |length: Duration| length.as_secs_f64() * 1e3;
        match news {
            News::Damaged { kept, first } => {
                let before = self.before;
                let open = self.open(kept);
                if first {
                    *open = Open { before, ..Open::default() };
                }
                if open.shown.len() < TIMES {
                    open.shown.push(at.now);
                }
                if open.by.len() < TIMES && !open.by.contains(by) {
                    open.by.push(by.clone());
                }
                None
            }
            News::Mended { damage, since, quiet } => {
                let gap_ms = ms(at.now.saturating_sub(since));
                let shown = self.kept.shown.iter().find(|shown| **shown >= since);
                let detected_ms = shown.map(|shown| ms(shown.saturating_sub(since)));
                let quiet_ms = ms(quiet);
                let outcome = Outcome::Repaired { quiet_ms, took_ms, detected_ms, gap_ms };
                Some(self.gap(true, at.at_ms(since), &damage, outcome))
            }
            News::WouldMend { damage, since, quiet } => {
                let outcome = Outcome::WouldRepair { quiet_ms: ms(quiet) };
                Some(self.gap(false, at.at_ms(since), &damage, outcome))
            }
            News::Returned { kept, since, damage } => {
                let outcome = Outcome::Returned { gap_ms: ms(at.now.saturating_sub(since)) };
                Some(self.gap(kept, at.at_ms(since), &damage, outcome))
            }
            News::Yielded { chain, rounds, again } => {
                let by = vec![by.clone()];
                self.yielded.insert(chain.clone(), (by.clone(), rounds));
                let again_ms = u64::try_from(again.as_millis()).unwrap_or(u64::MAX);
                Some(self.event(at.at_ms(at.now), What::Yielded { chain, by, rounds, again_ms }))
            }
            News::Recovered { chain } => {
                self.yielded.remove(&chain);
                Some(self.event(at.at_ms(at.now), What::Recovered { chain }))
            }
            News::PauseEnded => {
                Some(self.event(at.at_ms(at.now), What::Resumed { by_itself: true }))
            }
        }
    }

    /// Somebody has paused or resumed the service.
    pub fn asked(&mut self, at: Moment, what: What) -> Event {
        self.event(at.at_ms(at.now), what)
    }

    /// What happened since, oldest first.
    pub fn since(&self, ms: u64) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.at_ms >= ms)
    }

    /// Who undid the chain when it was yielded, and how often it was undone.
    pub fn who_undid(&self, chain: &ChainKey) -> (&[Suspects], u32) {
        self.yielded.get(chain).map_or((&[], 0), |(by, rounds)| (by, *rounds))
    }

    /// The last 24 hours, as far as the story goes back.
    pub fn day(&self, at: Moment) -> Day {
        let start = u64::try_from(at.wall.saturating_sub(DAY).as_millis()).unwrap_or(u64::MAX);
        let (mut gaps, mut by) = (Vec::new(), BTreeMap::new());
        for event in self.since(start) {
            let What::Gap(gap) = &event.what else { continue };
            let Outcome::Repaired { gap_ms, .. } = &gap.outcome else { continue };
            gaps.push(*gap_ms);
            for one in &gap.by {
                *by.entry(one.alone().unwrap_or("unknown").to_owned()).or_default() += 1;
            }
        }
        gaps.sort_by(f64::total_cmp);
        let at = |n: usize| gaps.get(n).copied().unwrap_or_default();
        let (half, last) = (gaps.len().saturating_sub(1) / 2, gaps.len().saturating_sub(1));
        Day { repairs: gaps.len(), gap_p50_ms: at(half), gap_max_ms: at(last), by }
    }

    fn open(&mut self, kept: bool) -> &mut Open {
        if kept { &mut self.kept } else { &mut self.watched }
    }

    fn gap(&mut self, kept: bool, at_ms: u64, damage: &Damage, outcome: Outcome) -> Event {
        let others = self.others;
        let open = self.open(kept);
        let commits = open.before.map(|before| others.wrapping_sub(before));
        let by = open.by.clone();
        self.event(at_ms, What::Gap(Gap { by, commits, took: taken(damage), outcome }))
    }

    fn event(&mut self, at_ms: u64, what: What) -> Event {
        self.told += 1;
        let event = Event { number: self.told, at_ms, what };
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event.clone());
        event
    }
}

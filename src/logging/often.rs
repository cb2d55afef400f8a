//! What is said too often is counted. Pure: whoever asks brings the time.
use std::collections::BTreeMap;
use std::time::Duration;

/// So many of a kind are said one by one in a [`WINDOW`].
const ONE_BY_ONE: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// A kind that was counted has stopped when nothing of it came for so long.
const CALM: Duration = Duration::from_secs(60);
/// While it goes on, the count is told so often.
const EVERY: Duration = Duration::from_secs(600);
/// Kinds that are told apart. What strangers choose, such as a rule in an error, may make any number of them.
const KINDS: usize = 64;
/// All kinds above those.
const REST: &str = "";

/// Counts.
#[derive(Debug)]
pub struct Often<T> {
    kinds: BTreeMap<String, Kind<T>>,
}

/// One kind: first said one by one, then counted until it stops.
#[derive(Debug)]
struct Kind<T> {
    /// When the window, or the counting, began.
    since: Duration,
    last: Duration,
    said: u32,
    counted: Option<(u64, Option<T>)>,
}

/// So many were not said one by one.
#[derive(Debug, PartialEq, Eq)]
pub struct Sum<T> {
    /// The last of them.
    pub last: T,
    /// How many.
    pub count: u64,
    /// In so long.
    pub within: Duration,
}

impl<T> Default for Often<T> {
    fn default() -> Often<T> {
        Often { kinds: BTreeMap::new() }
    }
}

impl<T> Often<T> {
    /// Something of that kind is to be said: now if it is returned, else it is counted.
    pub fn hear(&mut self, now: Duration, kind: &str, what: T) -> Option<T> {
        if !self.kinds.contains_key(kind) && self.kinds.len() >= KINDS {
            let over = |k: &Kind<T>| k.counted.is_none() && now.saturating_sub(k.last) >= WINDOW;
            self.kinds.retain(|_, kind| !over(kind));
        }
        let known = self.kinds.contains_key(kind) || self.kinds.len() < KINDS;
        let name = if known { kind } else { REST };
        let new = || Kind { since: now, last: now, said: 0, counted: None };
        let kind = self.kinds.entry(name.to_owned()).or_insert_with(new);
        kind.last = now;
        if let Some((count, last)) = &mut kind.counted {
            *count += 1;
            *last = Some(what);
            return None;
        }
        if now.saturating_sub(kind.since) >= WINDOW {
            (kind.since, kind.said) = (now, 0);
        }
        if kind.said < ONE_BY_ONE {
            kind.said += 1;
            return Some(what);
        }
        (kind.since, kind.counted) = (now, Some((1, Some(what))));
        None
    }

    /// What is to be told of by now. Kinds that have stopped are forgotten.
    pub fn due(&mut self, now: Duration) -> Vec<Sum<T>> {
        let mut sums = Vec::new();
        self.kinds.retain(|_, kind| {
            let over = now.saturating_sub(kind.last) >= CALM;
            if over || now.saturating_sub(kind.since) >= EVERY {
                sums.extend(kind.sum(now));
            }
            !(over && kind.counted.is_some())
        });
        sums
    }

    /// All that was counted and not told.
    pub fn end(&mut self, now: Duration) -> Vec<Sum<T>> {
        self.kinds.values_mut().filter_map(|kind| kind.sum(now)).collect()
    }

    /// When something may be due.
    pub fn wake(&self) -> Option<Duration> {
        let counted = self.kinds.values().filter(|kind| kind.counted.is_some());
        counted.map(|kind| (kind.last + CALM).min(kind.since + EVERY)).min()
    }
}

impl<T> Kind<T> {
    fn sum(&mut self, now: Duration) -> Option<Sum<T>> {
        let (count, last) = self.counted.as_mut()?;
        let within = now.saturating_sub(std::mem::replace(&mut self.since, now));
        Some(Sum { count: std::mem::take(count), last: last.take()?, within })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Says `all` at its times; what was said one by one, and the sums as they fall due.
    fn course(all: impl IntoIterator<Item = Duration>) -> (u64, Vec<Sum<Duration>>) {
        let (mut often, mut said, mut sums) = (Often::default(), 0, vec![]);
        for now in all {
            while let Some(wake) = often.wake().filter(|wake| *wake <= now) {
                sums.extend(often.due(wake));
            }
            said += u64::from(often.hear(now, "kind", now).is_some());
        }
        while let Some(wake) = often.wake() {
            sums.extend(often.due(wake));
        }
        (said, sums)
    }

    fn counted(sums: &[Sum<Duration>]) -> u64 {
        sums.iter().map(|sum| sum.count).sum()
    }

    #[test]
    fn what_comes_now_and_then_is_said_each_time() {
        let (said, sums) = course((0..500).map(|n| seconds(7 * n)));
        assert_eq!((said, sums), (500, vec![]));
    }

    #[test]
    fn a_storm_is_counted_and_its_end_is_told() {
        // Five a second for two seconds, and one more within the minute.
        let (said, sums) =
            course((0..10).map(|n| Duration::from_millis(200 * n)).chain([seconds(50)]));
        assert_eq!(said, 10);
        let within = CALM;
        assert_eq!(sums, [Sum { last: seconds(50), count: 1, within }]);
    }

    #[test]
    fn what_fails_each_second_for_a_day_takes_few_lines_and_they_add_up() {
        let day = 24 * 3600;
        let (said, sums) = course((0..day).map(seconds));
        assert_eq!(said, 10);
        assert_eq!(said + counted(&sums), day);
        assert!((144..=146).contains(&sums.len()), "each ten minutes: {}", sums.len());
    }

    #[test]
    fn after_a_calm_minute_each_is_said_again() {
        let storm = |from: u64| (0..1000).map(move |n| Duration::from_millis(from * 1000 + n));
        let (said, sums) = course(storm(0).chain(storm(3600)));
        assert_eq!((said, counted(&sums), sums.len()), (20, 1980, 2));
    }

    #[test]
    fn any_number_of_kinds_takes_little() {
        let (mut often, mut said) = (Often::default(), 0);
        for n in 0..10_000_u64 {
            let now = Duration::from_millis(n);
            said += u64::from(often.hear(now, &format!("kind {n}"), ()).is_some());
        }
        assert!(often.kinds.len() <= KINDS + 1, "{}", often.kinds.len());
        let sums = often.end(seconds(10));
        assert_eq!(said + sums.iter().map(|sum| sum.count).sum::<u64>(), 10_000);
        assert!(said <= 80, "{said}");
        assert_eq!(often.end(seconds(10)), []);
        // Once they are over, others are told apart again.
        assert!(often.hear(seconds(100), "another", ()).is_some());
    }
}

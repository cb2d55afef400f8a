//! Killed at every system call, and each system call failed in turn: strace(1) injects both. A loss is: something is
//! left that is between two commits' states (on nft one commit for all, in legacy one for each table in the order of
//! 0006), the new backend is not whole before the old one goes, a rule of others is touched, the next `apply` does not
//! end where an undisturbed one does, a lock or a file is left; and for a failure also a panic, an end by a signal,
//! twenty seconds of nothing, or exit code 0 where the chains are not in place.
mod calls;
mod serving;
mod story;
mod tables;
mod tool;

use super::{Row, seed, short};
use crate::support::{Host, On, Said, eventually};
use calls::{Call, Fate, calls, ours};
use chainkeeper_contract::testing::Dice;
use std::time::{Duration, Instant};
use story::{Start, Story};
use tables::{Tables, Way};

/// Of a program that has only to fail.
const LIMIT: Duration = Duration::from_secs(20);
/// How strace(1) and timeout(1) say that what they ran was killed: as it was, or by a shell's code for it.
const DEAD: [i32; 2] = [-1, 137];

/// What is done to a story, and what the next start makes of it.
struct Trial {
    way: Way,
    /// Where the next start has to end.
    goal: Tables,
    /// How one looks.
    look: fn(&Host) -> Tables,
}

impl Trial {
    /// Plays it once without harm. And its calls.
    fn new(story: Story, look: fn(&Host) -> Tables) -> (Trial, Vec<Call>) {
        let host = story.host();
        let from = look(&host);
        let calls = calls(&host, story.command);
        let to = look(&host);
        host.ck_ok("apply", 0);
        (Trial { way: Way { story, from, to }, goal: look(&host), look }, calls)
    }

    /// Plays it again, with that fate for that call. False: it was not met by it.
    fn play(&self, row: &mut Row, call: &Call, fate: Fate) -> bool {
        let (story, host) = (self.way.story, self.way.story.host());
        let begun = Instant::now();
        let before = format!("timeout -k 1 {} {}", LIMIT.as_secs(), call.strace(fate, &host));
        let said = host.ck_under(&before, story.command);
        // The kernel's own tools go on without us, and keep others out until they are done.
        eventually("the lock is let go", || host.lock_is_free());
        let killed = fate == Fate::Killed;
        if !fate.came(&host) {
            return false;
        }
        if killed && !DEAD.contains(&said.code) {
            row.one(false, || format!("{story:?}: {call}: killed, and ends with {said:?}"));
            return true;
        }
        let now = (self.look)(&host);
        let wrong = self.way.wrong(&now, killed).or_else(|| match fate {
            Fate::Killed => None,
            Fate::Failed(_) => self.misbehaved(&said, call, begun.elapsed(), &now),
        });
        let wrong = wrong.or_else(|| self.next(&host));
        row.one(wrong.is_none(), || format!("{story:?}: {call} {fate:?}: {wrong:?}\n{said:?}"));
        true
    }

    /// What a program must not do because a call has failed.
    fn misbehaved(&self, said: &Said, call: &Call, took: Duration, now: &Tables) -> Option<String> {
        if took > LIMIT {
            return Some("it hangs".into());
        }
        match said.code {
            0 if now.is(&self.way.to) => None,
            // Where its record cannot be read nothing is proven to be ours, and what stays is named.
            0 if said.stdout.contains("nothing proves that we made it") => None,
            0 => Some("exit code 0, and not done".into()),
            101 | ..0 | 124.. => Some("no way to end".into()),
            _ if said.stderr.contains("panicked") => Some("a panic".into()),
            _ if said.stderr.is_empty() && !call.is_write() => Some("not a word".into()),
            _ => None,
        }
    }

    /// What the next start makes of it.
    fn next(&self, host: &Host) -> Option<String> {
        let said = host.ck("apply");
        let now = (self.look)(host);
        if said.code != 0 || !now.is(&self.goal) {
            return Some(format!("the next one ends with {said:?} and {now:?}"));
        }
        let stale = || host.files().iter().any(|file| file.starts_with(".state"));
        // A record that is true already is not written; whoever writes one takes away what others left.
        if stale() {
            host.ck("remove");
        }
        (stale() || !host.lock_is_free()).then(|| format!("it leaves {:?}", host.files()))
    }
}

/// Of all these, in the short form a few.
fn some<T: Clone>(all: &[T], few: usize, dice: &mut Dice) -> Vec<T> {
    match short() {
        true => (0..few).map(|_| dice.pick(all)).collect(),
        false => all.to_vec(),
    }
}

fn killed(mut row: Row, stories: &[Story], few: usize) {
    let seed = seed();
    let (mut dice, mut missed) = (Dice::seeded(seed, 1000), 0);
    for (nth, story) in stories.iter().enumerate() {
        let (trial, calls) = Trial::new(*story, Tables::of);
        // How a program starts does not depend on what it finds.
        let calls = if nth == 0 { &calls } else { ours(&calls) };
        let calls = some(calls, few, &mut dice);
        let met = calls.iter().filter(|call| trial.play(&mut row, call, Fate::Killed)).count();
        missed += calls.len() - met;
    }
    row.end(&format!("{} stories, {missed} not reached, seed {seed}", stories.len()));
}

/// In each fitting way, or in one of them, drawn by chance.
fn failed(mut row: Row, stories: &[Story], each: bool, few: usize) {
    let seed = seed();
    let (mut dice, mut missed) = (Dice::seeded(seed, 10_000), 0);
    for story in stories {
        let (trial, calls) = Trial::new(*story, Tables::of);
        let mut all: Vec<(Call, Fate)> = vec![];
        for call in ours(&calls) {
            let mut ways = call.failures();
            if !each && !ways.is_empty() {
                ways = vec![dice.pick(&ways)];
            }
            all.extend(ways.into_iter().map(|fate| (call.clone(), fate)));
        }
        let all = some(&all, few, &mut dice);
        let met = all.iter().filter(|(call, fate)| trial.play(&mut row, call, *fate)).count();
        missed += all.len() - met;
    }
    row.end(&format!("{} stories, {missed} not reached, seed {seed}", stories.len()));
}

fn applies(on: On) -> [Story; 3] {
    [Start::Empty, Start::Damaged, Start::Moved].map(|start| Story { on, start, command: "apply" })
}

fn removals() -> [Story; 2] {
    On::BOTH.map(|on| Story { on, start: Start::Whole, command: "remove" })
}

#[test]
fn apply_on_nft_is_killed_at_each_call() {
    let what = "`apply` killed at each system call, nft: on an empty, a damaged and a moved host";
    killed(Row::new(what, "kills"), &applies(On::Nft), 5);
}

#[test]
fn apply_on_legacy_is_killed_at_each_call() {
    let what =
        "`apply` killed at each system call, legacy: on an empty, a damaged and a moved host";
    killed(Row::new(what, "kills"), &applies(On::Legacy), 5);
}

#[test]
fn remove_is_killed_at_each_call() {
    let what = "`remove` killed at each system call, both backends";
    killed(Row::new(what, "kills"), &removals(), 6);
}

#[test]
fn each_call_of_apply_on_nft_fails() {
    let what = "each system call of `apply` failed in each fitting way, nft";
    failed(Row::new(what, "faults"), &applies(On::Nft)[1..2], true, 20);
}

#[test]
fn each_call_of_apply_on_legacy_fails() {
    let what = "each system call of `apply` failed in each fitting way, legacy";
    failed(Row::new(what, "faults"), &applies(On::Legacy)[1..2], true, 12);
}

#[test]
fn each_call_of_remove_fails() {
    let what = "each system call of `remove` failed in one fitting way, both backends";
    failed(Row::new(what, "faults"), &removals(), false, 8);
}

//! The running service beside what can go wrong: wipes, storms, stops, kills, other services, and people
//! at its socket.
mod culprits;
mod deaf;
mod idle;
mod killed;
mod limits;
mod observed;
mod scraped;
mod socket;
mod stopped;
mod storms;
mod together;
mod visitors;
mod whole;
mod wipe;
mod wipes;

use crate::support::{Host, On, PROGRAM, Running, eventually};
use chainkeeper::control::{Answer, Request, ask};
use chainkeeper::culprit::Culprit;
use chainkeeper::story::{Event, Gap, Outcome, Suspects, What};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Longer than anything takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the service tells, as it happens. Ends with the service.
#[derive(Debug)]
struct Story(Mutex<Receiver<Event>>);

impl Story {
    /// From the beginning on.
    fn of(host: &Host) -> Story {
        let (path, (told, inbox)) = (host.socket(), channel());
        std::thread::spawn(move || {
            let request = Request::Events { since_ms: 0, follow: true };
            let answers = ask(&path, &request).expect("the service serves");
            for answer in answers.map_while(Result::ok) {
                match answer {
                    Answer::Event(event) => drop(told.send(event)),
                    Answer::Status(_) | Answer::Done(_) | Answer::Error(_) => {
                        panic!("{answer:?}")
                    }
                }
            }
        });
        Story(Mutex::new(inbox))
    }

    fn inbox(&self) -> MutexGuard<'_, Receiver<Event>> {
        self.0.lock().expect("nobody has panicked with it")
    }

    fn next(&self) -> Event {
        self.inbox().recv_timeout(PATIENCE).expect("something is told")
    }

    /// The next event, which is a gap.
    fn gap(&self) -> Gap {
        let event = self.next();
        let What::Gap(gap) = event.what else { panic!("{event:?}") };
        gap
    }

    /// The next event, which is a gap that was repaired.
    fn repaired(&self) -> Gap {
        let gap = self.gap();
        assert!(matches!(gap.outcome, Outcome::Repaired { .. }), "{gap:?}");
        gap
    }

    /// Nothing is told for so long.
    fn is_silent(&self, length: Duration) {
        let next = self.inbox().recv_timeout(length);
        assert_eq!(next, Err(RecvTimeoutError::Timeout), "nothing was to happen");
    }
}

/// Starts `run`, and waits until it answers and has looked.
fn started(host: &Host, words: &str) -> Running {
    let run = host.start(PROGRAM, &format!("run {words}"));
    eventually("it has looked", || host.status().is_some_and(|s| s.looked_ms.is_some()));
    run
}

/// The same, and waits until everything is there.
fn keeping(host: &Host, words: &str) -> (Running, Story) {
    let run = started(host, words);
    eventually("it is in sync", || host.is_in_sync());
    (run, Story::of(host))
}

/// Everybody who is named anywhere in it.
fn culprits(by: &[Suspects]) -> impl Iterator<Item = &Culprit> {
    by.iter().flat_map(|suspects| &suspects.any_of)
}

/// The one that is named alone.
fn sole(by: &[Suspects]) -> Option<&Culprit> {
    match by {
        [Suspects { any_of, incomplete: false }] if any_of.len() == 1 => any_of.first(),
        _ => None,
    }
}

/// The words for a service that repairs soon, on each backend: legacy has to look by itself, since a wipe
/// that leaves the size of a table is not told.
fn quick(on: On) -> &'static str {
    match on {
        On::Nft => "--on-conflict insist --settle 10ms",
        On::Legacy => "--on-conflict insist --settle 10ms --sync-period 100ms",
    }
}

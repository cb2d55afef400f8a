//! The service lacks something: descriptors, memory, threads, a file, a reader of its journal, time. After that
//! it has to repair, by itself or started again where it ended with a code that is documented; nothing of
//! others may be changed; it has to have said what was wrong, not to have panicked, and not to have spun.
mod calls;
mod clock;
mod day;
mod descriptors;
mod files;
mod journal;
mod memory;
mod places;
mod service;
mod signals;
mod storms;

use super::Row;
use crate::support::{Host, On, PROGRAM, Running, at_once, comes_true};
use service::Service;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The row with what each backend adds to it, both at the same time.
fn on_both(row: Row, test: impl Fn(On, &mut Row) + Sync) -> Row {
    let row = Mutex::new(row);
    at_once(On::BOTH, |on| {
        let mut part = Row::new("", "");
        test(on, &mut part);
        row.lock().expect("no panic").add(part);
    });
    row.into_inner().expect("no panic")
}

/// Starts the service under a limit, and waits a little. And whether it has ended.
fn started_under(limit: &str, host: &Host, more: &str) -> (Running, bool) {
    let backend = host.on().name();
    let words = format!("{limit} {PROGRAM} run --backend {backend} --sync-period 300ms {more}");
    let mut run = host.start("prlimit", &words);
    comes_true(1, || run.is_over() || is_in_sync(host));
    let ended = run.is_over();
    (run, ended)
}

fn is_in_sync(host: &Host) -> bool {
    host.ck(&format!("diff --backend {}", host.on().name())).code == 0
}

/// A limit of the running service, and what it is to be again when this is dropped.
struct Limited(u32, &'static str);

impl Limited {
    fn to(limit: &str, service: &Service, again: &'static str) -> Limited {
        let pid = service.run.pid();
        service.host.sh(&format!("prlimit --pid {pid} {limit}"));
        Limited(pid, again)
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let words = ["--pid", &self.0.to_string(), self.1];
        let _ = std::process::Command::new("prlimit").args(words).status();
    }
}

/// What became of services that lacked something, for the notes of a row.
#[derive(Default)]
struct Tally {
    restarts: AtomicUsize,
    /// Of a processor, in hundredths.
    share: AtomicUsize,
}

impl Tally {
    /// Of one that is about to be stopped.
    fn of(&self, service: &Service) {
        self.restarts.fetch_add(service.restarts, Ordering::Relaxed);
        self.share.fetch_max((service.share * 100.0) as usize, Ordering::Relaxed);
    }

    fn notes(&self) -> String {
        let (restarts, share) = (&self.restarts, &self.share);
        let [restarts, share] = [restarts, share].map(|n| n.load(Ordering::Relaxed));
        format!("at most {share} % of a processor; ended and was started again: {restarts}")
    }
}

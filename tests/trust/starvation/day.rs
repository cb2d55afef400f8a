//! A day, faster: what happens in 24 hours, with shorter pauses. Nothing may grow.
use super::super::{Row, minutes};
use super::Service;
use super::service::{CHAIN, JUMP};
use crate::support::{ADDRESS, On, comes_true};
use std::time::{Duration, Instant};

/// What a service has of each, at a time.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    /// VmRSS, in KiB.
    memory: u64,
    descriptors: u64,
    threads: u64,
    state: u64,
    journal: u64,
}

impl Sample {
    fn of(service: &Service) -> Sample {
        let state = std::fs::metadata(service.host.state()).map_or(0, |file| file.len());
        Sample {
            memory: service.run.number("VmRSS"),
            descriptors: service.run.descriptors() as u64,
            threads: service.run.number("Threads"),
            state,
            journal: service.run.journal().len() as u64,
        }
    }

    /// Without tools that run just now.
    fn at_rest(service: &Service) -> Sample {
        let least = |a: Sample, b: Sample| Sample {
            descriptors: a.descriptors.min(b.descriptors),
            threads: a.threads.min(b.threads),
            ..b
        };
        let pause = || std::thread::sleep(Duration::from_millis(15));
        (0..4)
            .map(|_| {
                pause();
                Sample::of(service)
            })
            .reduce(least)
            .expect("four")
    }

    fn most(self, other: Sample) -> Sample {
        Sample {
            memory: self.memory.max(other.memory),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
            state: self.state.max(other.state),
            journal: self.journal.max(other.journal),
        }
    }
}

/// Each of the last 1,000 events is kept, with who did it: some hundred bytes each, and where the allocator puts
/// them. More than this in the second half is a leak.
const MEMORY: u64 = 1024;
/// A line is some 200 bytes; what is said too often is counted. A journal that grows by more for each event of
/// the second half is one that tells each.
const JOURNAL: u64 = 100;
/// Descriptors that are there for a moment only: of tools, of who asks. One that is lost with each event is soon more.
const PASSING: u64 = 4;
/// The names of the chains that are there now, at most 20 of them, and the choice.
const STATE: u64 = 2048;
/// What is said one by one first: ten lines of a kind in a minute.
const FIRST: u64 = 32 * 1024;

/// So many samples there are at least: fewer show no trend.
const SAMPLES: u32 = 8;

/// Takes one at its time: some more than have to be, spread over that length.
struct Sampling {
    began: Instant,
    every: Duration,
    all: Vec<Sample>,
}

impl Sampling {
    fn over(length: Duration) -> Sampling {
        Sampling { began: Instant::now(), every: length / (2 * SAMPLES), all: Vec::new() }
    }

    fn now_and_then(&mut self, service: &Service) {
        if self.began.elapsed() >= self.every * self.all.len() as u32 {
            self.all.push(Sample::at_rest(service));
        }
    }
}

/// Compares the halves after a fourth that is for warming up.
fn no_trend(row: &mut Row, samples: &[Sample], events: usize) -> String {
    let enough = samples.len() >= SAMPLES as usize;
    assert!(enough, "{} samples, which is too few to show a trend", samples.len());
    let rest = samples.get(samples.len() / 4..).unwrap_or_default();
    let (first, second) = rest.split_at(rest.len() / 2);
    let most = |half: &[Sample]| half.iter().copied().fold(Sample::default(), Sample::most);
    let (before, after) = (most(first), most(second));
    let told = after.journal - before.journal;
    let half = (events * 3 / 8) as u64;
    let fine = after.memory <= before.memory + MEMORY
        && after.descriptors <= before.descriptors + PASSING
        && after.threads <= before.threads + 1
        && after.state <= STATE
        && told <= FIRST + JOURNAL * half;
    row.one(fine, || format!("growth: {before:?}, then {after:?}"));
    format!(
        "memory {} then {} KiB, descriptors {} then {}, threads {} then {}, journal {} KiB in all",
        before.memory,
        after.memory,
        before.descriptors,
        after.descriptors,
        before.threads,
        after.threads,
        after.journal / 1024
    )
}

fn a_day_of(on: On, what: &'static str) {
    let mut row = Row::new(what, "checks");
    // A wipe that leaves the size of a table is not told on legacy.
    let words = "--metrics-bind-address 9253 --canary-wait 50ms --sync-period 60ms";
    let service = Service::new(on, words);
    let (began, mut samples) = (Instant::now(), Sampling::over(minutes()));
    let (mut wipes, mut events) = (0, 0);
    while began.elapsed() < minutes() {
        // A minute: one wipe, a kubelet that asks for its canary, somebody who asks how it is, and a scrape.
        let tool = on.both_iptables()[wipes % 2];
        let what = if wipes / 2 % 2 == 0 { JUMP } else { CHAIN };
        wipes += 1;
        let taken = service.wipe(tool, what);
        let back = format!("{tool} -S INPUT; {tool} -t nat -S");
        let whole = || {
            let rules = service.host.sh(&back);
            rules.contains("-A INPUT -j KUBE-FIREWALL") && rules.contains("-j MASQUERADE")
        };
        let whole = taken && comes_true(5, whole);
        row.one(whole, || format!("{on:?}, {wipes}: not repaired\n{}", service.run.journal()));
        service.wipe(tool, "*mangle\n-X CHAINKEEPER-CANARY\nCOMMIT\n");
        let asked = service.host.status().is_some();
        let served = service.host.get(ADDRESS, "/metrics").is_some_and(|got| got.status == 200);
        row.one(asked && served, || format!("{on:?}, {wipes}: no answer"));
        events += 4;
        if wipes % 60 == 0 {
            // An hour: a reload, a pause, and somebody who connects and says nothing.
            service.run.signal("HUP");
            drop(service.host.visit(ADDRESS));
            service.host.ck_ok("pause --for 1s", 0);
            service.host.ck_ok("resume", 0);
            row.one(comes_true(5, || service.is_whole()), || {
                format!("{on:?}, {wipes}: not as it was")
            });
            events += 4;
        }
        samples.now_and_then(&service);
    }
    let figures = no_trend(&mut row, &samples.all, events);
    service.stops(&mut row);
    let seconds = began.elapsed().as_secs_f64();
    row.end(&format!("{wipes} wipes, {events} events in {seconds:.0} s; {figures}"));
}

/// Lost: a wipe that is not repaired within 5 s, a scrape without an answer, or growth: of memory by more than 1 MiB
/// in the second half, of descriptors by more than four, of threads by more than one, of the state file beyond what there is to remember,
/// of the journal by more than 100 bytes an event and what is said one by one first.
#[test]
fn a_day_of_wipes_on_nft() {
    let what = "a day of wipes, scrapes, questions, reloads and lost canaries, faster: nft";
    a_day_of(On::Nft, what);
}

/// Lost: the same.
#[test]
fn a_day_of_wipes_on_legacy() {
    let what = "a day of wipes, scrapes, questions, reloads and lost canaries, faster: legacy";
    a_day_of(On::Legacy, what);
}

/// Lost: a fight that is not left to whoever wants it otherwise, chains
/// that are not there after as long again and 20 s, growth as above.
#[test]
fn a_day_of_somebody_who_fights() {
    let mut row =
        Row::new("somebody wipes each 100 ms, again and again, and is yielded to", "wipes");
    let mut notes = Vec::new();
    for on in On::BOTH {
        let words = "--metrics-bind-address 9253 --on-conflict yield --yield-for 200ms";
        let service = Service::yielding(on, words);
        let mut wipes = 0;
        let mut wipe = || {
            service.take();
            wipes += 1;
            std::thread::sleep(Duration::from_millis(100));
        };
        let yielded = comes_true(30, || {
            wipe();
            service.run.journal().contains("yielded")
        });
        row.one(yielded, || format!("{on:?}: no word of it\n{}", service.run.journal()));
        let length = minutes().mul_f64(0.25);
        let (began, mut samples) = (Instant::now(), Sampling::over(length));
        while began.elapsed() < length {
            wipe();
            samples.now_and_then(&service);
        }
        row.tried(wipes);
        // Each try waited twice as long as the one before, so as long as all of them.
        let whole = comes_true(length.as_secs() + 20, || service.is_whole());
        row.one(whole, || format!("{on:?}: not repaired\n{}", service.host.ck("status").stdout));
        let figures = no_trend(&mut row, &samples.all, wipes);
        notes.push(format!(
            "{}: {wipes} wipes in {:.0} s; {figures}",
            on.name(),
            began.elapsed().as_secs_f64()
        ));
        service.stops(&mut row);
    }
    row.end(&notes.join("; "));
}

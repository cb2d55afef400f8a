//! Fewer descriptors than it wants.
use super::super::{BOUND, Row, many};
use super::{Limited, Service, Tally, is_in_sync, on_both, started_under};
use crate::support::{ADDRESS, Host, On, comes_true};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The system's words, and ours.
const WORDS: [&str; 2] = ["Too many open files", "too many files are open"];

/// Lost: a panic, a silence, an end without a word or with a code that is not documented, chains that are not there once
/// the limit is raised, a service that does not stop.
#[test]
fn every_small_limit_at_the_start() {
    let ended = AtomicUsize::new(0);
    let row = Row::new("started with every small limit of descriptors, raised later", "starts");
    let row = on_both(row, |on, row| {
        for limit in 3..=many(20, 40) {
            let (lost, ends) = started(on, limit);
            ended.fetch_add(usize::from(ends), Ordering::Relaxed);
            row.one(lost.is_none(), || lost.unwrap_or_default());
        }
    });
    let ended = ended.into_inner();
    row.end(&format!(
        "both backends; {ended} ended with a word, the rest went on and were in sync after it"
    ));
}

/// What was lost, and whether it ended by itself.
fn started(on: On, limit: usize) -> (Option<String>, bool) {
    let (host, backend) = (Host::of(on), on.name());
    let words = "--settle 10ms --metrics-bind-address 9253";
    let (mut run, ends) = started_under(&format!("--nofile={limit}:"), &host, words);
    let wrong = if ends {
        let code = run.ended();
        comes_true(1, || !run.journal().is_empty());
        let journal = run.journal();
        // Without a descriptor for a library it is the loader that says so.
        let documented = code == 5 || (code == 127 && journal.contains("shared libraries"));
        (!documented || journal.is_empty()).then(|| format!("ended with {code}"))
    } else {
        let says = || WORDS.iter().any(|words| run.journal().contains(words));
        let told = comes_true(20, || says() || is_in_sync(&host));
        host.sh(&format!("prlimit --pid {} --nofile=1024:", run.pid()));
        let whole = comes_true(20, || is_in_sync(&host));
        run.signal("TERM");
        let code = run.ended();
        (!told || !whole || code != 0)
            .then(|| format!("told: {told}, in sync: {whole}, and ended with {code}"))
    };
    let panicked = run.journal().contains("panicked").then(|| "it panicked".to_owned());
    let lost = panicked.or(wrong);
    (lost.map(|what| format!("{backend}, {limit} descriptors: {what}\n{}", run.journal())), ends)
}

/// Lost: not repaired once the limit is raised again, a panic, an end, a spin, on legacy not a word.
#[test]
fn a_limit_that_falls_below_what_is_open() {
    let tally = Tally::default();
    let row = Row::new("limit of descriptors lowered under the running service", "limits");
    let row = on_both(row, |on, row| {
        let mut service = Service::new(on, "--metrics-bind-address 9253");
        for limit in (3..=26).step_by(many(5, 1)) {
            // In nf_tables a repair takes no descriptor; with more there may be enough for what legacy does.
            let must = on == On::Legacy && limit < 8;
            let says: &[&str] = if must { &["oo many open files"] } else { &[] };
            service.lacks(row, &limit.to_string(), says, Duration::from_millis(600), |s| {
                Limited::to(&format!("--nofile={limit}:"), s, "--nofile=1024:")
            });
        }
        tally.of(&service);
        service.stops(row);
    });
    row.end(&format!("both backends; {}", tally.notes()));
}

/// Lost: a wipe that is not repaired within 10 s, or a service that does not answer once they have gone.
#[test]
fn whoever_holds_every_connection() {
    let mut row =
        Row::new("repairs while silent clients hold every connection that it gives", "repairs");
    let mut most = 0;
    for on in On::BOTH {
        let service = Service::new(on, "--metrics-bind-address 9253");
        let pid = service.run.pid();
        // Its doors take 96 at most: 32 over HTTP, 32 who ask and 32 who follow.
        service.host.sh(&format!("prlimit --pid {pid} --nofile=160:"));
        let web: Vec<_> = (0..60).filter_map(|_| service.host.visit(ADDRESS).ok()).collect();
        let follow = b"{\"ask\":\"events\",\"since_ms\":0,\"follow\":true}\n";
        let local: Vec<UnixStream> = (0..120)
            .filter_map(|n| {
                let mut stream = UnixStream::connect(service.host.socket()).ok()?;
                (n % 2 == 0).then(|| stream.write_all(follow)).transpose().ok()?;
                Some(stream)
            })
            .collect();
        for n in 0..many(5, 20) {
            let taken = service.take();
            let whole = taken && comes_true(BOUND, || service.is_whole());
            row.one(whole, || format!("{on:?}, repair {n}: {}", service.run.journal()));
            most = most.max(service.run.descriptors());
        }
        drop((web, local));
        let answers = comes_true(10, || service.host.ck("check --live").code == 0);
        row.one(answers, || format!("{on:?}: no answer after it: {}", service.run.journal()));
        service.stops(&mut row);
    }
    row.end(&format!("both backends; {most} of 160 descriptors in use"));
}

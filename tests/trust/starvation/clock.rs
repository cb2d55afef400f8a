//! The wall clock jumps, for the service alone: libfaketime between it and the C library.
use super::super::{BOUND, Row, many};
use super::{Service, on_both};
use crate::support::comes_true;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// As libfaketime reads them.
const JUMPS: [(&str, i64); 8] = [
    ("+1d", 86400),
    ("-1d", -86400),
    ("+0", 0),
    ("+3650d", 315_360_000),
    ("-3650d", -315_360_000),
    ("+1h", 3600),
    ("-20000d", -1_728_000_000),
    ("+0", 0),
];

/// Where Debian has it. A machine without it says that this is left out.
fn library() -> Option<String> {
    let found = Command::new("sh")
        .args(["-c", "ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null"])
        .output();
    let path =
        String::from_utf8(found.expect("sh").stdout).expect("UTF-8").lines().next()?.to_owned();
    Path::new(&path).exists().then_some(path)
}

fn last_gap(service: &Service) -> serde_json::Value {
    let events = service.host.ck("--output json events --since 100000d").stdout;
    let gap = events.lines().rfind(|line| line.contains("\"event\":\"gap\""));
    serde_json::from_str(gap.unwrap_or_default()).unwrap_or_default()
}

/// Lost: a wipe that is not repaired within 10 s, a story whose gap is longer than that, a scrape or a question
/// that is not answered, a service that is said to hang, a panic.
#[test]
fn the_wall_clock_jumps() {
    let Some(library) = library() else {
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        assert!(!ci, "libfaketime is not installed");
        return eprintln!("LEFT OUT: jumps of the clock. libfaketime is not installed");
    };
    let row = Row::new(
        "jumps of the wall clock, forwards and backwards by hours, days and years",
        "jumps",
    );
    let row = on_both(row, |on, row| {
        let file =
            format!("{}/{}-{}-clock", env!("CARGO_TARGET_TMPDIR"), std::process::id(), on.name());
        let set = |to: &str| {
            let new = format!("{file}.new");
            std::fs::write(&new, format!("{to}\n"))
                .and_then(|()| std::fs::rename(&new, &file))
                .expect("a file");
        };
        set("+0");
        let fake = format!(
            "env LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={file} FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 \
             FAKETIME_DONT_FAKE_MONOTONIC=1"
        );
        let service = Service::under(on, &fake, "--metrics-bind-address 9253");
        for _ in 0..many(1, 4) {
            for (to, by) in JUMPS {
                set(to);
                std::thread::sleep(Duration::from_millis(100));
                let taken = service.take();
                let whole = taken && comes_true(BOUND, || service.is_whole());
                // The attack is one: it sees that time. Before 1970 there is none.
                let mut last = serde_json::Value::Null;
                let seen = comes_true(BOUND, || {
                    last = last_gap(&service);
                    let at = last.get("at_ms").and_then(serde_json::Value::as_i64);
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
                    at.is_some_and(|at| (at / 1000 - (now.as_secs() as i64 + by).max(0)).abs() < 20)
                });
                let gap = last.pointer("/outcome/gap_ms").and_then(serde_json::Value::as_f64);
                let sane = gap.is_some_and(|ms| ms >= 0.0 && ms < 1000.0 * BOUND as f64);
                let status = service.host.ck("status").stdout;
                let scraped = service
                    .host
                    .get(crate::support::ADDRESS, "/metrics")
                    .is_some_and(|g| g.status == 200);
                let hung = service.run.journal().contains("hangs")
                    || service.run.journal().contains("panicked");
                let fine = whole && sane && seen && scraped && !hung && status.contains("in sync");
                row.one(fine, || {
                    format!("{on:?} {to}: whole {whole}, sane {sane}, seen {seen}, scraped {scraped}\n{last}\n{status}{}",
                        service.run.journal())
                });
            }
        }
        service.stops(row);
        let _ = std::fs::remove_file(file);
    });
    row.end("both backends, by libfaketime");
}

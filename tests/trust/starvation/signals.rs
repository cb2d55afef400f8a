//! Signals again and again, and a service that stands still.
use super::super::{BOUND, Row, many, short};
use super::{Service, on_both};
use crate::support::{PROGRAM, Running, comes_true};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Whoever sends those, one after the other, until it is dropped.
fn storm(service: &Service, signals: &str) -> Running {
    let pid = service.run.pid();
    let script = service.host.socket().with_file_name("storm.sh");
    let each = "for s in $1; do kill -$s $0; sleep 0.002; done";
    std::fs::write(
        &script,
        format!(
            "set -- \"{signals}\"\nwhile :; do {}; done\n",
            each.replace("$0", &pid.to_string())
        ),
    )
    .expect("a script");
    service.host.start("sh", &script.display().to_string())
}

/// Lost: a wipe that is not repaired within 10 s, an end, a panic, more than 20 lines of the same.
#[test]
fn storms_of_signals() {
    let row = Row::new(
        "repairs in storms of SIGHUP, SIGWINCH, SIGCHLD, and of SIGSTOP with SIGCONT",
        "repairs",
    );
    let row = on_both(row, |on, row| {
        let service = Service::new(on, "");
        for signals in ["HUP WINCH CHLD", "WINCH CHLD URG CONT", "STOP CONT", "STOP HUP CONT"] {
            let storm = storm(&service, signals);
            for n in 0..many(3, 25) {
                let taken = service.take();
                let whole = taken && comes_true(BOUND, || service.is_whole());
                row.one(whole, || format!("{on:?}, {signals}, {n}: {}", service.run.journal()));
            }
            drop(storm);
            service.run.signal("CONT");
        }
        let journal = service.run.journal();
        let lines = journal.matches("configuration reloaded").count();
        row.one(lines <= 20 && !journal.contains("panicked"), || {
            format!("{on:?}: {lines} reloads told\n{journal}")
        });
        service.stops(row);
    });
    row.end("both backends");
}

/// How long each gap of its stories was that it repaired, in ms.
fn repaired(service: &Service) -> Vec<f64> {
    let events = service.host.ck_ok("events --output json", 0);
    let events = events.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let ends = events.filter(|e| e["event"] == "gap").map(|mut gap| gap["outcome"].take());
    let repaired = ends.filter(|end| end["outcome"] == "repaired");
    repaired.filter_map(|end| end["gap_ms"].as_f64()).collect()
}

/// Lost: not repaired within 10 s after SIGCONT, no new gap that is told as repaired, a worker that is said to hang.
/// How long a gap was is no promise here: it counts from when the service hears of a commit, so the time that it stood
/// still itself is not in it. The longest is in the notes.
#[test]
fn it_stands_still_while_chains_are_taken() {
    let longest = AtomicUsize::new(0);
    let row = Row::new("stood still (SIGSTOP) while chains were taken", "times");
    let row = on_both(row, |on, row| {
        let service = Service::new(on, "");
        for n in 0..many(3, 20) {
            let told = repaired(&service).len();
            service.run.signal("STOP");
            let length = Duration::from_millis(if short() || n > 0 { 700 } else { 31_000 });
            let taken = service.take();
            std::thread::sleep(length);
            service.run.signal("CONT");
            let began = Instant::now();
            let whole = comes_true(BOUND, || service.is_whole());
            let took = began.elapsed();
            let new = || repaired(&service).split_off(told);
            let more = comes_true(BOUND, || !new().is_empty());
            longest.fetch_max(new().into_iter().fold(0.0, f64::max) as usize, Ordering::Relaxed);
            let hung = service.run.journal().contains("the worker hangs");
            row.one(taken && whole && more && !hung, || {
                format!("{on:?}, {n}: {took:?}, gaps {:?}\n{}", new(), service.run.journal())
            });
        }
        service.stops(row);
    });
    let times = if short() { "0.7 s each" } else { "31 s once, else 0.7 s" };
    let longest = longest.into_inner();
    row.end(&format!("both backends, {times}; told as gaps of {longest} ms at most"));
}

/// Beside a watchdog whose time passes while it stands still: it pings again at once.
/// Lost: fewer than three pings after SIGCONT, within 10 s each.
#[test]
fn its_watchdog_is_fed_again_after_it_stood_still() {
    let mut row =
        Row::new("stood still beyond the time of its watchdog, then pings again", "times");
    let host = crate::support::Host::new();
    let path = host.state().with_file_name("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let path = path.display().to_string();
    let environment = [("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", "200000")];
    let run = host.start_with(PROGRAM, "run --settle 10ms", &environment);
    let ping = || {
        let mut buffer = [0; 4096];
        comes_true(BOUND, || {
            let got = manager.recv(&mut buffer).unwrap_or(0);
            String::from_utf8_lossy(&buffer[..got]).contains("WATCHDOG=1")
        })
    };
    let rest = || {
        manager.set_nonblocking(true).expect("it can be");
        let mut buffer = [0; 4096];
        while manager.recv(&mut buffer).is_ok() {}
        manager.set_nonblocking(false).expect("it can be");
    };
    for n in 0..many(3, 20) {
        run.signal("STOP");
        std::thread::sleep(Duration::from_millis(500));
        rest();
        run.signal("CONT");
        let pings = ping() && ping() && ping();
        row.one(pings, || format!("{n}: {}", run.journal()));
    }
    row.end("");
}

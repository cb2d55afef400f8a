//! Signals again and again, and a service that stands still.
use super::super::{Row, many, short};
use super::{Service, on_both};
use crate::support::{PROGRAM, Running, comes_true};
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

/// Lost: a wipe that is not repaired within 5 s, an end, a panic, more than 20 lines of the same.
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
                service.take();
                let whole = comes_true(5, || service.is_whole());
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

/// Lost: not repaired within 1 s after SIGCONT (3 s on legacy, whose tools take a while under load), a gap that is
/// told as anything but repaired, or shorter than it was; a worker that is said to hang.
#[test]
fn it_stands_still_while_chains_are_taken() {
    let row = Row::new("stood still (SIGSTOP) while chains were taken", "times");
    let row = on_both(row, |on, row| {
        let service = Service::new(on, "");
        for n in 0..many(3, 20) {
            let told = service.host.ck_ok("events", 0).matches("gap").count();
            service.run.signal("STOP");
            let length = Duration::from_millis(if short() || n > 0 { 700 } else { 31_000 });
            service.take();
            std::thread::sleep(length);
            service.run.signal("CONT");
            let began = Instant::now();
            let whole = comes_true(3, || service.is_whole());
            let took = began.elapsed();
            let events = service.host.ck_ok("events", 0);
            let more = events.matches("gap").count() > told || events.contains("took");
            let hung = service.run.journal().contains("the worker hangs");
            row.one(whole && more && !hung, || {
                format!("{on:?}, {n}: {took:?}\n{events}{}", service.run.journal())
            });
        }
        service.stops(row);
    });
    row.end(if short() {
        "both backends, 0.7 s each"
    } else {
        "both backends, 31 s once, else 0.7 s"
    });
}

/// Beside a watchdog whose time passes while it stands still: it pings again at once.
/// Lost: a ping that does not come within 1 s after SIGCONT, or none of a service that goes on.
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
        comes_true(2, || {
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

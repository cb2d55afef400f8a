//! A worker that hangs: its thread is held at its next system call by a tracer that stands still.
use super::Manager;
use crate::support::{ADDRESS, Host, eventually, within};
use std::time::{Duration, Instant};

/// `WATCHDOG_USEC`: pings are twice as often.
const TIME: Duration = Duration::from_millis(400);

#[test]
fn who_hangs_pings_no_more_and_is_not_alive_and_is_again_once_that_is_over() {
    let host = Host::new();
    let manager = Manager::of(&host);
    let usec = TIME.as_micros().to_string();
    let words = "--backend nft --sync-period 500ms --metrics-bind-address 9253";
    let run = manager.starts(&host, words, &[("WATCHDOG_USEC", usec.as_str())]);
    let status = || host.status().expect("it answers");
    assert_eq!(manager.word()[0], "READY=1");
    let pings = manager.pings(TIME * 5);
    assert!((8..=11).contains(&pings), "{pings} pings in five times WATCHDOG_USEC");

    let tid = run.thread("keeper");
    let strace = host.start("strace", &format!("-o /dev/null -p {tid}"));
    let traced = || {
        let text = std::fs::read_to_string(format!("/proc/{tid}/status")).expect("it runs");
        text.lines().any(|line| *line == format!("TracerPid:\t{}", strace.pid()))
    };
    eventually("it is traced", traced);
    strace.signal("STOP");
    // An order that takes long is no reason to restart.
    eventually("it has an order", || status().busy_ms.is_some_and(|ms| ms > 1000));
    assert!(status().is_alive());
    assert_eq!(host.ck_ok("check --live", 0), "running\n");
    assert!(manager.pings(TIME * 2) > 0, "it waits, and pings");

    // What nobody reads stops nobody: by now its socket is full.
    within(40, "it hangs", || !status().is_alive());
    let busy = Duration::from_millis(status().busy_ms.expect("it has an order"));
    assert!(busy > chainkeeper_legacy::LIMIT, "{busy:?}");
    manager.pings(TIME * 2); // those that were sent before
    assert_eq!(manager.pings(TIME * 5), 0, "a ping of a worker that hangs");
    let said = host.ck_ok("check --live", 1);
    assert!(said.starts_with("running, but the worker has hung for 3"), "{said}");
    for path in ["/livez", "/readyz"] {
        let got = host.get(ADDRESS, path).expect("it is served");
        assert!(got.status == 503 && got.text.starts_with(&said), "{got:?}");
    }
    let began = Instant::now();
    assert_eq!(host.scrape().all("rule_packets_total{").count(), 13, "the last that is known");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    eventually("it says so", || run.journal().contains("the worker hangs"));

    drop(strace); // who was held goes on
    eventually("it is alive", || status().is_alive());
    assert_eq!(host.get(ADDRESS, "/livez").expect("it is served").status, 200);
    assert!(manager.pings(TIME * 5) > 7);
    assert_eq!(host.ck_ok("check --live", 0), "running\n");
}

//! What the service does while nothing happens.
use super::{keeping, threads};
use crate::support::{Host, On};
use std::fs::read_to_string;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often its threads went to sleep so far, all told: each system call that waits, no other.
fn waits(pid: u32) -> u64 {
    let of = |(_, thread): (String, u32)| {
        let status = read_to_string(format!("/proc/{pid}/task/{thread}/status")).expect("it runs");
        let line = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
        line.expect("there is such a line").trim().parse::<u64>().expect("a number")
    };
    threads(pid).into_iter().map(of).sum()
}

/// While it is left alone for so long: how often it woke.
fn woken(host: &Host, words: &str, length: Duration) -> (u64, Duration) {
    let (run, story) = keeping(host, words);
    drop(story); // whose follower is told nothing
    sleep(Duration::from_secs(1)); // for what the beginning has left to do
    let (before, began) = (waits(run.pid()), Instant::now());
    sleep(length);
    (waits(run.pid()) - before, began.elapsed())
}

#[test]
fn told_by_the_kernel_it_sleeps_until_something_happens() {
    let host = Host::new();
    let (woken, length) = woken(&host, "", Duration::from_secs(5));
    assert_eq!(woken, 0, "in {length:?}");
}

#[test]
fn asking_it_wakes_for_each_question_and_for_nothing_else() {
    let wakes = |on, words, least: f64, most: f64| {
        let host = Host::of(on);
        let (woken, length) = woken(&host, words, Duration::from_secs(3));
        let pace = woken as f64 / length.as_secs_f64();
        println!("{on:?} {words}: {pace:.1} a second");
        assert!((least..=most).contains(&pace), "{on:?}: {woken} in {length:?}");
    };
    std::thread::scope(|scope| {
        // Each time up to twice, since tokio's timers are coarse from 64 ms on; less often where the
        // machine has other things to do.
        scope.spawn(|| wakes(On::Nft, "--watch poll", 5.0, 22.0));
        scope.spawn(|| wakes(On::Legacy, "", 0.3, 4.0));
    });
}

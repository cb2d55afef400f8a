//! What the service does while nothing happens.
use super::keeping;
use crate::support::{Host, On, PROGRAM, Running, eventually};
use std::os::unix::net::UnixDatagram;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often its threads went to sleep so far, all told: each system call that waits, no other.
fn waits(run: &Running) -> u64 {
    let of = |(_, thread)| run.number_of(thread, "voluntary_ctxt_switches");
    run.threads().into_iter().map(of).sum()
}

/// While it is left alone for so long: how often it woke.
fn woken(host: &Host, words: &str, length: Duration) -> (u64, Duration) {
    let (run, story) = keeping(host, words);
    drop(story); // whose follower is told nothing
    left_alone(&run, length)
}

fn left_alone(run: &Running, length: Duration) -> (u64, Duration) {
    sleep(Duration::from_secs(1)); // for what the beginning has left to do
    let (before, began) = (waits(run), Instant::now());
    sleep(length);
    (waits(run) - before, began.elapsed())
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
        // Less often where the machine has other things to do.
        scope.spawn(|| wakes(On::Nft, "--watch poll", 5.0, 11.0));
        scope.spawn(|| wakes(On::Legacy, "", 0.3, 1.5));
    });
}

#[test]
fn it_wakes_once_for_each_ping_of_the_watchdog() {
    let host = Host::new();
    let path = host.state().with_file_name("notify");
    let _manager = UnixDatagram::bind(&path).expect("a socket in the host's folder");
    let path = path.display().to_string();
    let second = [("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", "1000000")];
    let run = host.start_with(PROGRAM, "run", &second);
    eventually("it is in sync", || host.is_in_sync());
    let (woken, length) = left_alone(&run, Duration::from_secs(3));
    assert!((2..=7).contains(&woken), "{woken} in {length:?}");
}

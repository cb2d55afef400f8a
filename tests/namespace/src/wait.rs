//! What takes a while.
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks again and again until it is so, at most 10 s.
pub fn eventually(what: &str, is: impl FnMut() -> bool) {
    within(10, what, is);
}

/// The same for what takes longer.
pub fn within(seconds: u64, what: &str, is: impl FnMut() -> bool) {
    assert!(comes_true(seconds, is), "in vain for {seconds} s: {what}");
}

/// Asks again and again, at most so long. False if it was never so.
pub fn comes_true(seconds: u64, mut is: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is() {
        if start.elapsed() >= Duration::from_secs(seconds) {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
    true
}

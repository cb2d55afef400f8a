//! One time to be woken at, by a timer of the kernel's own. The wheel of tokio's timers is coarse: for a
//! time that is more than 64 ms away it wakes twice, for a minute three times.
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::future::pending;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Instant;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::coop::consume_budget;

/// It rings at one time after another.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: TimerFd,
    /// The same timer, as the event loop waits for it.
    rings: AsyncFd<OwnedFd>,
    set: Option<Instant>,
}

impl Alarm {
    pub(crate) fn new() -> io::Result<Alarm> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let rings = readable(timer.as_fd().try_clone_to_owned()?)?;
        Ok(Alarm { timer, rings, set: None })
    }

    /// Waits until then; for ever where there is nothing to wait for. Dropping it loses nothing.
    pub(crate) async fn until(&mut self, time: Option<Instant>) -> io::Result<()> {
        if self.set != time {
            self.set(time)?;
        }
        let Some(time) = time else { return pending().await };
        while Instant::now() < time {
            self.rings.readable().await?.clear_ready();
            // That ring may be left from an earlier time, or a moment early.
            self.set(Some(time))?;
        }
        // Where one time after another has passed already, signals and other tasks have their turn all the same.
        consume_budget().await;
        Ok(())
    }

    fn set(&mut self, time: Option<Instant>) -> io::Result<()> {
        let left = time.map(|time| time.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => {
                let once = Expiration::OneShot(TimeSpec::from_duration(left));
                self.timer.set(once, TimerSetTimeFlags::empty())?;
            }
            None => self.timer.unset()?,
        }
        self.set = time;
        Ok(())
    }
}

/// Waits by it until it can be read.
#[expect(deprecated, reason = "what takes its place is unsafe; an OwnedFd stays what it is")]
pub(crate) fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SHORT: Duration = Duration::from_millis(30);

    fn waiting<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(work)
    }

    /// When it has come back.
    async fn rang(alarm: &mut Alarm, time: Instant) -> Instant {
        timeout(SHORT * 100, alarm.until(Some(time))).await.expect("it rings").unwrap();
        Instant::now()
    }

    #[test]
    fn it_rings_at_each_time_and_not_before() {
        waiting(async {
            let mut alarm = Alarm::new().unwrap();
            for _ in 0..3 {
                let time = Instant::now() + SHORT;
                assert!(rang(&mut alarm, time).await >= time);
            }
            let past = Instant::now();
            assert!(rang(&mut alarm, past).await >= past);
        });
    }

    #[test]
    fn a_ring_that_nobody_waited_for_is_none_of_the_next_time() {
        waiting(async {
            let mut alarm = Alarm::new().unwrap();
            let soon = Instant::now() + SHORT;
            assert!(timeout(SHORT / 3, alarm.until(Some(soon))).await.is_err());
            tokio::time::sleep(SHORT).await;
            let later = Instant::now() + SHORT;
            assert!(rang(&mut alarm, later).await >= later);
        });
    }

    #[test]
    fn another_time_takes_the_place_of_the_last() {
        waiting(async {
            let mut alarm = Alarm::new().unwrap();
            let hour = Instant::now() + Duration::from_secs(3600);
            assert!(timeout(SHORT, alarm.until(Some(hour))).await.is_err());
            let soon = Instant::now() + SHORT;
            assert!(rang(&mut alarm, soon).await >= soon);
        });
    }

    #[test]
    fn times_that_have_passed_keep_nobody_else_from_running() {
        waiting(async {
            let mut alarm = Alarm::new().unwrap();
            let other = tokio::spawn(async {});
            let past = Instant::now();
            for _ in 0..1000 {
                alarm.until(Some(past)).await.unwrap();
            }
            assert!(other.is_finished());
        });
    }

    #[test]
    fn without_a_time_it_never_rings() {
        waiting(async {
            let mut alarm = Alarm::new().unwrap();
            let soon = Instant::now() + SHORT;
            assert!(timeout(SHORT / 3, alarm.until(Some(soon))).await.is_err());
            assert!(timeout(SHORT * 3, alarm.until(None)).await.is_err());
        });
    }
}

//! What the process uses, by the names that every program has for it.
use nix::time::{ClockId, clock_gettime};
use procfs::process::{LimitValue, Process};
use std::sync::OnceLock;
use std::time::Duration;

/// What could be read of it. What could not is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Seconds of processor time.
    pub cpu: Option<f64>,
    /// Bytes of address space.
    pub virtual_memory: Option<u64>,
    /// Bytes in memory.
    pub resident_memory: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Seconds since 1970 at which it started.
    pub start: Option<f64>,
    /// Open descriptors.
    pub fds: Option<u64>,
    /// How many there may be.
    pub most_fds: Option<u64>,
}

impl Usage {
    /// Of this process; `wall`: now, since 1970. Where /proc shows processes alone there is no boot time:
    /// that is reckoned by the clocks.
    pub fn of_this(wall: Duration) -> Usage {
        let Ok(process) = Process::myself() else { return Usage::default() };
        let mut usage =
            Usage { fds: process.fd_count().ok().map(|n| n as u64), ..Usage::default() };
        if let Ok(limits) = process.limits() {
            usage.most_fds = match limits.max_open_files.soft_limit {
                LimitValue::Value(most) => Some(most),
                LimitValue::Unlimited => None,
            };
        }
        let Ok(stat) = process.stat() else { return usage };
        let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
        usage.cpu = Some(seconds(stat.utime + stat.stime));
        usage.virtual_memory = Some(stat.vsize);
        usage.resident_memory = Some(stat.rss * procfs::page_size());
        usage.threads = u64::try_from(stat.num_threads).ok();
        usage.start = started(wall, seconds(stat.starttime));
        usage
    }
}

/// Reckoned once: it is no news that somebody sets the clock.
fn started(wall: Duration, since_boot: f64) -> Option<f64> {
    static START: OnceLock<f64> = OnceLock::new();
    let up = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?).as_secs_f64();
    let start = || wall.as_secs_f64() - (up - since_boot).max(0.0);
    Some((START.get_or_init(start) * 100.0).round() / 100.0)
}

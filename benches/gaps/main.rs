//! How long chains are missing after a wipe, what the watch costs, and who is named. Asserts nothing.
//!
//! The service is the release binary. A wipe is timed on the wall clock from just before the writer sends
//! it, so the commit itself (legacy: the start of `iptables-legacy`) is in the figure; how long that takes
//! is printed beside. The service's story has the rest: *seen* until a look has shown the loss, *quiet*
//! while it waits for the writer to be done, *repair* the write itself. The three follow each other. The
//! story is told over a socket and dated by its arrival (or by its own rounded date, if that is earlier):
//! each *seen* is an upper bound, by some 0.1 ms.
//!
//! Wipes come at moments spread evenly over the pace at which a watch asks, or they would all come right
//! after a question. `poll` and `legacy` sleep nearly always: their four series run at the same time.
//!
//! GAPS_WIPES (500) wipes of each kind, legacy a tenth of it; IDLE_SECONDS (60).
mod culprits;
mod idle;
mod series;
mod service;
mod table;
mod tax;
mod wipe;

use anyhow::{Context as _, anyhow};
use nix::sched::{CloneFlags, unshare};
use service::Way;
use std::str::FromStr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wipe::Kind;

/// Settle of the long series.
const SHORT: &str = "20ms";
/// Wipes of the series by default settings.
const FEW: usize = 20;

fn main() -> anyhow::Result<()> {
    if culprits::is_writer() {
        return culprits::write();
    }
    let wipes = number("GAPS_WIPES", 500);
    println!("gaps: {}\n", machine());
    let few = in_netns(move || series::run(Way::Events, None, &[Kind::All], FEW.min(wipes)));
    let few = joined(few)?;
    let all = in_netns(move || series::run(Way::Events, Some(SHORT), &Kind::EACH, wipes));
    let mut all = joined(all)?;
    let asking = [(Way::Poll, wipes), (Way::Legacy, (wipes / 10).max(1))];
    let one = |way, wipes, kind| in_netns(move || series::run(way, Some(SHORT), &[kind], wipes));
    let asking = asking.map(|(way, wipes)| Kind::EACH.map(|kind| one(way, wipes, kind)));
    for thread in asking.into_iter().flatten() {
        all.extend(joined(thread)?);
    }
    table::print(&few, &all);
    idle::print(Duration::from_secs(number("IDLE_SECONDS", 60)))?;
    tax::print()?;
    culprits::print((wipes / 10).max(1))
}

fn number<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|word| word.parse().ok()).unwrap_or(default)
}

fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let (kernel, info, load) =
        (read("/proc/sys/kernel/osrelease"), read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown processor");
    let load = load.split(' ').next().unwrap_or_default();
    format!("Linux {}, {cores} cores, load {load}\n{model}", kernel.trim())
}

/// In a new network namespace, gone with the thread; child processes inherit it.
fn in_netns<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> JoinHandle<anyhow::Result<T>> {
    thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).context("root, or the namespace of `make bench`")?;
        work()
    })
}

fn joined<T>(thread: JoinHandle<anyhow::Result<T>>) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}

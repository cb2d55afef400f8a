//! What the service costs while nothing happens. One pass of the sync period is in each minute.
use super::service::{Service, Way};
use super::{in_netns, joined};
use anyhow::Context as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// The start is over by then.
const CALM: Duration = Duration::from_secs(2);

/// What was used since the beginning.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    /// Nanoseconds on a processor, user and system, of all threads.
    cpu: u64,
    /// Times that a thread went to sleep by itself: it was woken as often.
    wakes: u64,
    /// The same of child processes that have ended, in clock ticks of 10 ms.
    children: u64,
}

/// All ways at the same time, each in a namespace of its own.
pub(crate) fn print(length: Duration) -> anyhow::Result<()> {
    println!("\nidle for {} s: threads of the service; child processes by 10 ms", length.as_secs());
    let measured = Way::EACH.map(|way| in_netns(move || measure(way, length)));
    println!(
        "{:8}{:>12}{:>10}{:>12}{:>15}",
        "", "CPU in us", "us per s", "wakes per s", "children ms"
    );
    for (way, used) in Way::EACH.into_iter().zip(measured) {
        let (used, seconds) = (joined(used)?, length.as_secs_f64());
        let cpu = used.cpu as f64 / 1e3;
        let (each, wakes) = (cpu / seconds, used.wakes as f64 / seconds);
        println!("{way:8}{cpu:12.0}{each:10.1}{wakes:12.2}{:15}", used.children * 10);
    }
    Ok(())
}

fn measure(way: Way, length: Duration) -> anyhow::Result<Used> {
    let service = Service::start(way, None)?;
    thread::sleep(CALM);
    let before = used(service.pid())?;
    thread::sleep(length);
    let after = used(service.pid())?;
    Ok(Used {
        cpu: after.cpu.saturating_sub(before.cpu),
        wakes: after.wakes.saturating_sub(before.wakes),
        children: after.children.saturating_sub(before.children),
    })
}

/// utime and stime of `stat` are in ticks of 10 ms, `schedstat` has the same in nanoseconds.
fn used(pid: u32) -> anyhow::Result<Used> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let mut used = Used::default();
    for thread in std::fs::read_dir(process.join("task"))? {
        let thread = thread?.path();
        let run = std::fs::read_to_string(thread.join("schedstat"))?;
        used.cpu += run.split(' ').next().unwrap_or_default().parse::<u64>()?;
        let status = std::fs::read_to_string(thread.join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        used.wakes += line.context("no voluntary_ctxt_switches")?.trim().parse::<u64>()?;
    }
    let stat = std::fs::read_to_string(process.join("stat"))?;
    // After the name, which may hold anything: cutime and cstime are the 14th and the 15th.
    let words = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    used.children = words.skip(13).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Ok(used)
}

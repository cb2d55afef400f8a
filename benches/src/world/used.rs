//! Processor time and wakeups, as the kernel counts them.
use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::fs::{read_dir, read_to_string};
use std::path::PathBuf;

/// What a process has used since its beginning.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// Microseconds on a processor, user and system, of all threads.
    pub(crate) cpu: f64,
    /// Times that a thread went to sleep by itself: it was woken as often.
    pub(crate) wakes: f64,
    /// Milliseconds of child processes that have ended, in clock ticks of 10 ms.
    pub(crate) children: f64,
}

impl Used {
    /// utime and stime of `stat` are in ticks of 10 ms, `schedstat` has the same in nanoseconds.
    pub(crate) fn by(pid: u32) -> anyhow::Result<Used> {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let mut used = Used::default();
        for thread in read_dir(process.join("task"))? {
            let thread = thread?.path();
            let run = read_to_string(thread.join("schedstat"))?;
            used.cpu += run.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e3;
            let status = read_to_string(thread.join("status"))?;
            used.wakes += field(&status, "voluntary_ctxt_switches:")?;
        }
        let stat = read_to_string(process.join("stat"))?;
        // After the name, which may hold anything: cutime and cstime are the 14th and the 15th.
        let words = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks = words.skip(13).take(2).filter_map(|word| word.parse::<f64>().ok());
        used.children = ticks.sum::<f64>() * 10.0;
        Ok(used)
    }

    pub(crate) fn since(self, before: Used) -> Used {
        Used {
            cpu: self.cpu - before.cpu,
            wakes: self.wakes - before.wakes,
            children: self.children - before.children,
        }
    }
}

/// Milliseconds of processor time that the work took: of the processes that it started and waited for, or of
/// this thread.
pub(crate) fn cpu<T>(
    who: UsageWho,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(f64, T)> {
    let now = || -> anyhow::Result<i64> {
        let usage = getrusage(who)?;
        Ok((usage.user_time() + usage.system_time()).num_microseconds())
    };
    let before = now()?;
    let done = work()?;
    Ok(((now()? - before) as f64 / 1e3, done))
}

/// A number of a file of /proc, by the word before it.
pub(crate) fn field(text: &str, name: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|line| line.split_whitespace().next());
    Ok(value.with_context(|| format!("no {name}"))?.parse()?)
}

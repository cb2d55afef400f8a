//! Network namespaces, the programs that are compared, and raw batches.
mod element;
mod foreign;
mod kubelet;
mod programs;
mod raw;
mod service;
mod turns;
mod used;
mod way;
mod writer;

pub(crate) use element::Element;
pub(crate) use foreign::Foreign;
pub(crate) use kubelet::kubelet;
pub(crate) use programs::{Programs, chainkeeper, feed, output, succeeds};
pub(crate) use raw::Raw;
pub(crate) use service::{Service, Told, Watching};
pub(crate) use turns::Turns;
pub(crate) use used::{Used, cpu, field};
pub(crate) use way::{Batches, Pass, V4, V6, Way, nft, placed};
pub(crate) use writer::{Kind, Writer};

use anyhow::{Context as _, anyhow};
use nix::sched::{CloneFlags, unshare};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// In a new network namespace, gone with the thread; child processes inherit it.
pub(crate) fn in_netns<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> JoinHandle<anyhow::Result<T>> {
    thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).context("a new network namespace")?;
        work()
    })
}

pub(crate) fn joined<T>(thread: JoinHandle<anyhow::Result<T>>) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}

/// The same, one after another.
pub(crate) fn alone<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    joined(in_netns(work))
}

/// Has the kernel load its modules, which the first of all writers would pay for.
pub(crate) fn warm_up() -> anyhow::Result<()> {
    alone(|| {
        let folder = tempfile::tempdir()?;
        let programs = Programs::new(folder.path());
        for ending in ["nft", "legacy"] {
            kubelet(&programs, ending)?;
        }
        programs.apply(&chainkeeper()?, "nft")
    })
}

/// The wall clock, since 1970.
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

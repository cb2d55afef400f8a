//! What else the machine does meanwhile.
use crate::world::{Kind, Programs, Writer, alone, joined, nft, succeeds};
use anyhow::ensure;
use chainkeeper_contract::CanaryPolicy;
use chainkeeper_contract::testing::big_restore;
use chainkeeper_nft::Setup;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, hint};

const RULES: usize = 20_000;
/// It is at work by then.
const BEGUN: Duration = Duration::from_millis(200);

/// Who else is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Alone,
    /// iptables-nft-restore of 20,000 rules in the same network namespace, again and again.
    Restore,
    /// A thread for each core that does nothing but run.
    Cores,
    /// Our own chains come and go in another network namespace.
    Namespace,
}

impl Condition {
    pub(super) const OTHERS: [Condition; 3] =
        [Condition::Restore, Condition::Cores, Condition::Namespace];

    /// From now on, for whoever is in the calling thread's network namespace.
    pub(super) fn begin(self) -> anyhow::Result<Neighbours> {
        let mut neighbours = Neighbours::default();
        match self {
            Condition::Alone => return Ok(neighbours),
            Condition::Restore => {
                let folder = tempfile::tempdir()?;
                std::fs::write(folder.path().join("rules"), big_restore(RULES))?;
                neighbours.add(move |flag| flag.repeat(|| restore(folder.path())));
            }
            Condition::Cores => {
                let cores = thread::available_parallelism()?.get();
                (0..cores).for_each(|_| neighbours.add(|flag| flag.repeat(run)));
            }
            Condition::Namespace => neighbours.add(|flag| {
                alone(move || {
                    let (mut keeper, mut writer) = (nft(Setup::default())?, Writer::nft()?);
                    flag.repeat(|| {
                        keeper.apply(CanaryPolicy::Write)?;
                        writer.wipe(Kind::All).map(|_| true)
                    })
                })
            }),
        }
        thread::sleep(BEGUN);
        Ok(neighbours)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Condition::Alone => "alone",
            Condition::Restore => "beside a restore",
            Condition::Cores => "all cores busy",
            Condition::Namespace => "other namespace",
        })
    }
}

fn restore(folder: &Path) -> anyhow::Result<bool> {
    let mut restore = Programs::new(folder).command("iptables-nft-restore", "--noflush")?;
    restore.stdin(File::open(folder.join("rules"))?);
    // One that finds its tables gone in the middle may give up.
    succeeds(&mut restore)
}

fn run() -> anyhow::Result<bool> {
    (0..10_000).for_each(|_| hint::spin_loop());
    Ok(true)
}

/// Whether to go on, and how often it was done.
#[derive(Debug, Clone, Default)]
struct Flag {
    end: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
}

impl Flag {
    /// `work` tells whether it has come to its end.
    fn repeat(&self, mut work: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
        while !self.end.load(Relaxed) {
            self.done.fetch_add(usize::from(work()?), Relaxed);
        }
        Ok(())
    }
}

/// They are at work until this is dropped.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    flag: Flag,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Neighbours {
    fn add(&mut self, work: impl FnOnce(Flag) -> anyhow::Result<()> + Send + 'static) {
        let flag = self.flag.clone();
        self.threads.push(thread::spawn(move || work(flag)));
    }

    /// Ends them. It is an error when one of them was not at work all the time.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        let all = self.threads.len();
        let ended = self.threads.iter().filter(|thread| thread.is_finished()).count();
        self.stop()?;
        ensure!(ended == 0, "{ended} of {all} neighbours had ended");
        ensure!(all == 0 || self.flag.done.load(Relaxed) > 0, "a neighbour has done nothing");
        Ok(())
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.flag.end.store(true, Relaxed);
        let ends: Vec<_> = self.threads.drain(..).map(joined).collect();
        ends.into_iter().collect()
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

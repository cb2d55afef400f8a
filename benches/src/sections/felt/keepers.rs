//! Who brings the chains back, in the calling thread's network namespace.
use crate::result::Who;
use crate::world::{Programs, Service, Watching, kubelet};
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tempfile::TempDir;

#[derive(Debug, Clone)]
pub(super) enum Keeper {
    /// chainkeeper, with these words.
    Ours { watching: Watching, words: &'static [&'static str] },
    /// Kubelet's sequence, so long after the end of the last one.
    Loop(Duration),
    /// Kubelet itself asks for its canary this often.
    Kubelet(Duration),
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Keeper::Ours { watching, words } => {
                f.write_str("chainkeeper")?;
                if *watching != Watching::Events {
                    write!(f, ", {watching}")?;
                }
                words.iter().try_for_each(|word| write!(f, " {word}"))
            }
            Keeper::Loop(pause) => write!(f, "a loop, every {} s", pause.as_secs()),
            Keeper::Kubelet(pause) => write!(f, "kubelet, every {} s", pause.as_secs()),
        }
    }
}

/// At work, with everything in place; until dropped.
pub(super) enum AtWork {
    Service(#[expect(dead_code, reason = "stopped when dropped")] Service),
    Thread { stop: Sender<()>, thread: JoinHandle<anyhow::Result<()>> },
}

impl Keeper {
    pub(super) fn who(&self) -> Who {
        match self {
            Keeper::Ours { .. } => Who::Ours,
            Keeper::Loop(_) | Keeper::Kubelet(_) => Who::Theirs,
        }
    }

    /// Over how long wipes are spread.
    pub(super) fn pace(&self) -> Duration {
        match self {
            Keeper::Ours { watching, .. } => watching.pace().1 - watching.pace().0,
            Keeper::Loop(pause) | Keeper::Kubelet(pause) => *pause,
        }
    }

    /// What it has not mended so long after a wipe at this part of its pace, it has missed.
    pub(super) fn patience(&self, part: f64) -> Duration {
        match self {
            Keeper::Ours { .. } => Duration::from_secs(8),
            // A wipe in the midst of a sequence is mended by the next.
            Keeper::Loop(pause) => *pause * 2 + Duration::from_secs(3),
            Keeper::Kubelet(pause) => pause.mul_f64(1.1 - part) + Duration::from_secs(2),
        }
    }

    /// Returns when everything is in place.
    pub(super) fn start(&self) -> anyhow::Result<AtWork> {
        let (run, pause): (fn(_, _, _) -> _, _) = match *self {
            Keeper::Ours { watching, words } => {
                return Service::with(watching, words).map(AtWork::Service);
            }
            Keeper::Loop(pause) => (sequence_again, pause),
            Keeper::Kubelet(pause) => (monitor, pause),
        };
        let folder = tempfile::tempdir()?;
        kubelet(&Programs::new(folder.path()), "nft")?;
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || run(folder, pause, stopped));
        Ok(AtWork::Thread { stop, thread })
    }
}

impl AtWork {
    /// Stops it, and says what went wrong.
    pub(super) fn end(self) -> anyhow::Result<()> {
        match self {
            AtWork::Service(_) => Ok(()),
            AtWork::Thread { stop, thread } => {
                drop(stop);
                crate::world::joined(thread)
            }
        }
    }
}

/// `while sleep 5; do ...; done`
fn sequence_again(folder: TempDir, pause: Duration, stop: Receiver<()>) -> anyhow::Result<()> {
    let programs = Programs::new(folder.path());
    while goes_on(&stop, pause) {
        kubelet(&programs, "nft")?;
    }
    Ok(())
}

/// As in Kubernetes' pkg/util/iptables: the canary of mangle stands for everything. When it is gone, those of
/// nat and filter are waited for: somebody may be in the midst of flushing.
fn monitor(folder: TempDir, pause: Duration, stop: Receiver<()>) -> anyhow::Result<()> {
    let programs = Programs::new(folder.path());
    let alive = |table| {
        let words = format!("-w 5 -W 100000 -S KUBE-KUBELET-CANARY -t {table}");
        // 4 is for it a lock that somebody else has.
        let code = programs.command("iptables-nft", &words)?.status()?.code();
        anyhow::Ok(matches!(code, Some(0 | 4)))
    };
    while goes_on(&stop, pause) {
        if alive("mangle")? {
            continue;
        }
        for _ in 0..50 {
            if !alive("nat")? && !alive("filter")? {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        kubelet(&programs, "nft")?;
    }
    Ok(())
}

/// False once it is stopped.
fn goes_on(stop: &Receiver<()>, pause: Duration) -> bool {
    stop.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
}

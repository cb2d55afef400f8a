//! Who brings the chains back, in the calling thread's network namespace.
use crate::result::Who;
use crate::world::{Programs, Service, Watching, joined, kubelet};
use anyhow::anyhow;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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
    Service(Service),
    Thread { stop: Sender<()>, thread: JoinHandle<anyhow::Result<()>>, turns: Turns },
}

/// When each began and ended.
type Turns = Arc<Mutex<Vec<(Instant, Instant)>>>;

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

    /// Returns when everything is in place.
    pub(super) fn start(&self) -> anyhow::Result<AtWork> {
        let (turn, pause): (fn(&Programs) -> _, _) = match *self {
            Keeper::Ours { watching, words } => {
                return Service::with(watching, words).map(AtWork::Service);
            }
            Keeper::Loop(pause) => (sequence, pause),
            Keeper::Kubelet(pause) => (canary, pause),
        };
        let folder = tempfile::tempdir()?;
        sequence(&Programs::new(folder.path()))?;
        let ((stop, stopped), turns) = (channel(), Turns::default());
        let ended = turns.clone();
        let thread = thread::spawn(move || {
            let programs = Programs::new(folder.path());
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let began = Instant::now();
                turn(&programs)?;
                ended.lock().map_err(poisoned)?.push((began, Instant::now()));
            }
            Ok(())
        });
        Ok(AtWork::Thread { stop, thread, turns })
    }
}

impl AtWork {
    /// It has had its turn since then, and some time has passed.
    pub(super) fn has_missed(&self, wipe: Instant) -> bool {
        match self {
            AtWork::Service(_) => wipe.elapsed() > PATIENCE,
            AtWork::Thread { turns, .. } => turns.lock().is_ok_and(|turns| {
                let after = |turn: &&(Instant, Instant)| turn.0 > wipe;
                turns.iter().find(after).is_some_and(|turn| turn.1.elapsed() > LATER)
            }),
        }
    }

    /// Returns when it has counted, or ended, the connections of a gap that is mended.
    pub(super) fn rest(&self) {
        match self {
            AtWork::Service(service) => drop(service.flows(LATER)),
            AtWork::Thread { .. } => {}
        }
    }

    /// Stops it, and says what went wrong.
    pub(super) fn end(self) -> anyhow::Result<()> {
        match self {
            AtWork::Service(_) => Ok(()),
            AtWork::Thread { stop, thread, .. } => {
                drop(stop);
                joined(thread)
            }
        }
    }
}

/// What a service has not mended by then, it never does.
const PATIENCE: Duration = Duration::from_secs(20);
/// What comes after a repair has come by then.
const LATER: Duration = Duration::from_secs(2);

fn poisoned<T>(_: T) -> anyhow::Error {
    anyhow!("a thread panicked")
}

fn sequence(programs: &Programs) -> anyhow::Result<()> {
    kubelet(programs, "nft").map(drop)
}

/// As in Kubernetes' pkg/util/iptables: the canary of mangle stands for everything. When it is gone, those of
/// nat and filter are waited for: somebody may be in the midst of flushing.
fn canary(programs: &Programs) -> anyhow::Result<()> {
    let alive = |table| {
        let words = format!("-w 5 -W 100000 -S KUBE-KUBELET-CANARY -t {table}");
        // 4 is for it a lock that somebody else has.
        let code = programs.command("iptables-nft", &words)?.status()?.code();
        anyhow::Ok(matches!(code, Some(0 | 4)))
    };
    if alive("mangle")? {
        return Ok(());
    }
    for _ in 0..50 {
        if !alive("nat")? && !alive("filter")? {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    sequence(programs)
}

//! The service: the binary, started in the calling thread's network namespace, and what it tells.
use super::{chainkeeper, wall};
use anyhow::{Context as _, bail};
use chainkeeper::control::{self, Answer, Request};
use chainkeeper::story::{Event, Gap, GapFlows, What};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A service that is not ready by then never is.
const START: Duration = Duration::from_secs(20);
/// A gap that is not told by then never is.
const PATIENCE: Duration = Duration::from_secs(20);

/// How it hears of commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watching {
    Events,
    Poll,
    Legacy,
}

impl Watching {
    pub(crate) const EACH: [Watching; 3] = [Watching::Events, Watching::Poll, Watching::Legacy];

    fn words(self) -> &'static str {
        match self {
            Watching::Events => "--backend nft --watch events",
            Watching::Poll => "--backend nft --watch poll",
            Watching::Legacy => "--backend legacy",
        }
    }

    /// Wipes are spread over so long: the pace at which it asks. Where it is told, a wipe is to come when
    /// the last look is over for some time, as it would.
    pub(crate) fn pace(self) -> (Duration, Duration) {
        let (least, most) = match self {
            Watching::Events => (15, 25),
            Watching::Poll => (15, 115),
            Watching::Legacy => (15, 1015),
        };
        (Duration::from_millis(least), Duration::from_millis(most))
    }
}

impl fmt::Display for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Watching::Events => "events",
            Watching::Poll => "poll",
            Watching::Legacy => "legacy",
        })
    }
}

/// What was told, and when it arrived by the wall clock.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) arrived: Duration,
    pub(crate) at_ms: u64,
    pub(crate) gap: Gap,
}

/// It runs; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    folder: TempDir,
    events: Receiver<(Duration, Event)>,
}

impl Service {
    /// Returns when everything is in place. Whoever undoes it is not yielded to.
    pub(crate) fn start(way: Watching, settle: Option<&str>) -> anyhow::Result<Service> {
        let words: Vec<&str> = settle.iter().flat_map(|settle| ["--settle", settle]).collect();
        Service::with(way, &words)
    }

    /// The same, with these words beside.
    pub(crate) fn with(way: Watching, words: &[&str]) -> anyhow::Result<Service> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("socket");
        let mut command = Command::new(chainkeeper()?);
        command.args(way.words().split(' ')).args(["--on-conflict", "insist"]);
        command.args(words);
        command.arg("--socket").arg(&socket).arg("run");
        command.env("STATE_DIRECTORY", folder.path()).env("XTABLES_LOCKFILE", lock(folder.path()));
        command.stdout(Stdio::null()).stderr(std::fs::File::create(folder.path().join("journal"))?);
        let (send, events) = channel();
        let mut service = Service { child: command.spawn()?, folder, events };
        service.ready(&socket)?;
        let since_ms = u64::try_from(wall().as_millis())?;
        thread::spawn(move || {
            let question = Request::Events { since_ms, follow: true };
            for answer in control::ask(&socket, &question).into_iter().flatten() {
                let Ok(Answer::Event(event)) = answer else { return };
                if send.send((wall(), event)).is_err() {
                    return;
                }
            }
        });
        // The first question of a watch that asks is not one of those that count.
        thread::sleep(way.pace().1);
        Ok(service)
    }

    fn ready(&mut self, socket: &Path) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < START {
            if let Ok(Answer::Status(status)) = control::ask_once(socket, &Request::Status {})
                && status.in_sync()
                && status.looked_ms.is_some()
            {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("the service does not come up:\n{}", self.journal())
    }

    pub(crate) fn journal(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("journal")).unwrap_or_default()
    }

    pub(crate) fn lock(&self) -> PathBuf {
        lock(self.folder.path())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next gap that it tells of.
    pub(crate) fn gap(&self) -> anyhow::Result<Told> {
        loop {
            let (arrived, event) = self
                .events
                .recv_timeout(PATIENCE)
                .with_context(|| format!("no gap was told:\n{}", self.journal()))?;
            if let What::Gap(gap) = event.what {
                return Ok(Told { arrived, at_ms: event.at_ms, gap });
            }
        }
    }

    /// What it tells of the connections of a gap, if it does so by then.
    pub(crate) fn flows(&self, patience: Duration) -> Option<GapFlows> {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let (_, event) = self.events.recv_timeout(left).ok()?;
            if let What::Flows(flows) = event.what {
                return Some(flows);
            }
        }
    }

    /// Gaps that it has told of, and nobody has asked for.
    pub(crate) fn left_over(&self) -> usize {
        self.events.try_iter().filter(|(_, event)| matches!(event.what, What::Gap(_))).count()
    }
}

fn lock(folder: &Path) -> PathBuf {
    folder.join("lock")
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

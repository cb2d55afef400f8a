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

    /// Wipes are spread over so long: the pace at which it asks. One is to come when all that followed the
    /// last is over for some time, as it would: also the count of connections, for which the kernel walks
    /// its whole table and keeps a core busy for about 10 ms.
    pub(crate) fn pace(self) -> (Duration, Duration) {
        let (least, most) = match self {
            Watching::Events => (40, 60),
            Watching::Poll => (40, 140),
            Watching::Legacy => (40, 1040),
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
    /// From its start until its status said that everything is in place.
    pub(crate) came_up: Duration,
}

impl Service {
    /// Returns when everything is in place. Whoever undoes it is not yielded to.
    pub(crate) fn start(way: Watching, settle: Option<&str>) -> anyhow::Result<Service> {
        let words: Vec<&str> = settle.iter().flat_map(|settle| ["--settle", settle]).collect();
        Service::with(way, &words)
    }

    /// The same, with these words beside.
    pub(crate) fn with(way: Watching, words: &[&str]) -> anyhow::Result<Service> {
        let mut service = Service::of(&chainkeeper()?, way, words)?;
        service.follow()?;
        // The first question of a watch that asks is not one of those that count.
        thread::sleep(way.pace().1);
        Ok(service)
    }

    /// The same of this binary. Nobody follows what it tells.
    pub(crate) fn of(binary: &Path, way: Watching, words: &[&str]) -> anyhow::Result<Service> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(binary);
        command.args(way.words().split(' ')).args(["--on-conflict", "insist"]).args(words);
        command.arg("--socket").arg(socket(folder.path())).arg("run");
        command.env("STATE_DIRECTORY", folder.path()).env("XTABLES_LOCKFILE", lock(folder.path()));
        command.stdout(Stdio::null()).stderr(std::fs::File::create(folder.path().join("journal"))?);
        let (_, events) = channel();
        let began = Instant::now();
        let child = command.spawn().with_context(|| binary.display().to_string())?;
        let mut service = Service { child, folder, events, came_up: Duration::ZERO };
        service.ready()?;
        service.came_up = began.elapsed();
        Ok(service)
    }

    fn follow(&mut self) -> anyhow::Result<()> {
        let (send, events) = channel();
        self.events = events;
        let socket = socket(self.folder.path());
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
        Ok(())
    }

    fn ready(&mut self) -> anyhow::Result<()> {
        let (began, socket) = (Instant::now(), socket(self.folder.path()));
        while began.elapsed() < START {
            if let Ok(Answer::Status(status)) = control::ask_once(&socket, &Request::Status {})
                && status.in_sync()
                && status.looked_ms.is_some()
            {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(1));
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

    /// How long the threads that listen and look have stood in line for a core so far.
    pub(crate) fn queued(&self) -> anyhow::Result<Duration> {
        let mut all = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let read = |file| std::fs::read_to_string(thread.as_ref().ok()?.path().join(file)).ok();
            // Connections are counted beside, and such a thread may just have ended.
            let beside = read("comm").is_none_or(|name| name.starts_with("tokio"));
            let (stat, of) =
                (read("schedstat"), |stat: String| stat.split(' ').nth(1)?.parse().ok());
            all += stat.filter(|_| !beside).and_then(of).unwrap_or(0);
        }
        Ok(Duration::from_nanos(all))
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

fn socket(folder: &Path) -> PathBuf {
    folder.join("socket")
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

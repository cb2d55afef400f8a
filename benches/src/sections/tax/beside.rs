//! Who listens while others write.
use crate::result::Who;
use crate::world::{Programs, Service, Watching, chainkeeper};
use anyhow::ensure;
use std::fs::read_to_string;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A listener that does not listen by then never does.
const START: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    Nobody,
    Again,
    Events,
    Poll,
    Monitor,
}

impl Beside {
    pub(super) const EACH: [Beside; 5] =
        [Beside::Nobody, Beside::Again, Beside::Events, Beside::Poll, Beside::Monitor];

    pub(super) fn name(self) -> &'static str {
        match self {
            Beside::Nobody => "nobody",
            Beside::Again => "nobody, again",
            Beside::Events => "service, events",
            Beside::Poll => "service, poll",
            Beside::Monitor => "nft monitor",
        }
    }

    pub(super) fn who(self) -> Who {
        match self {
            Beside::Nobody | Beside::Again => Who::Floor,
            Beside::Events | Beside::Poll => Who::Ours,
            Beside::Monitor => Who::Theirs,
        }
    }

    /// In the calling thread's network namespace, until it is dropped.
    pub(super) fn start(self) -> anyhow::Result<Listener> {
        Ok(match self {
            Beside::Nobody | Beside::Again => {
                applied()?;
                Listener::Nobody
            }
            Beside::Events => Listener::Service(Service::start(Watching::Events, None)?),
            Beside::Poll => Listener::Service(Service::start(Watching::Poll, None)?),
            Beside::Monitor => Listener::Monitor(Monitor::start(&applied()?)?),
        })
    }
}

/// The chains are in place, as with the service.
fn applied() -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    Programs::new(folder.path()).apply(&chainkeeper()?, "nft")?;
    sleep(Watching::Events.pace().1);
    Ok(folder)
}

#[derive(Debug)]
pub(super) enum Listener {
    Nobody,
    Service(Service),
    Monitor(Monitor),
}

impl Listener {
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Listener::Nobody => None,
            Listener::Service(service) => Some(service.pid()),
            Listener::Monitor(Monitor(child)) => Some(child.id()),
        }
    }
}

/// `nft monitor`, which asks for all that is told.
#[derive(Debug)]
pub(super) struct Monitor(Child);

impl Monitor {
    fn start(folder: &TempDir) -> anyhow::Result<Monitor> {
        let mut command = Programs::new(folder.path()).command("nft", "monitor")?;
        let monitor = Monitor(command.stdin(Stdio::null()).spawn()?);
        let began = Instant::now();
        while !somebody_listens()? {
            ensure!(began.elapsed() < START, "nft monitor does not listen");
            sleep(Duration::from_millis(5));
        }
        Ok(monitor)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Some socket here is in the group of nf_tables: protocol 12, bit 6 of its groups.
fn somebody_listens() -> anyhow::Result<bool> {
    let sockets = read_to_string("/proc/thread-self/net/netlink")?;
    let listens = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let groups = words.get(3).and_then(|word| u32::from_str_radix(word, 16).ok());
        words.get(1) == Some(&"12") && groups.is_some_and(|groups| groups & 0x40 != 0)
    };
    Ok(sockets.lines().any(listens))
}

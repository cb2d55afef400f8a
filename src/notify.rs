//! What a service manager such as systemd is told: ready, how it is, alive, reloading, stopping.
//!
//! Nothing is sent without `NOTIFY_SOCKET` in the environment. Nobody is waited for: one that does not
//! read what it is told must not keep us from keeping.
use crate::alarm::Alarm;
use crate::damage::{ChainKey, Damage};
use crate::safe;
use crate::status::{Status, TableState, hangs};
use crate::worker::Busy;
use sd_notify::NotifyState;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{error, warn};

/// The longest text of a status line: `systemctl status` shows one line.
const LONGEST: usize = 160;
/// What could not be sent is sent again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// The service manager, if there is one.
#[derive(Debug)]
pub struct Manager {
    way: Option<Arc<Way>>,
    ready: bool,
    /// The status line that it has.
    said: String,
    /// It has not got what it was to be told, and gets it then.
    again: Option<Instant>,
    complained: bool,
}

/// To its socket. Not by `sd_notify::notify`, which waits where nobody reads.
#[derive(Debug)]
struct Way {
    socket: UnixDatagram,
    to: SocketAddr,
}

impl Way {
    fn of_environment() -> Option<io::Result<Way>> {
        let path = std::env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty())?;
        let to = match path.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(path),
        };
        Some(to.and_then(|to| {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            Ok(Way { socket, to })
        }))
    }

    fn send(&self, states: &[NotifyState<'_>]) -> io::Result<()> {
        let text: String = states.iter().map(|state| format!("{state}\n")).collect();
        self.socket.send_to_addr(text.as_bytes(), &self.to).map(|_| ())
    }
}

impl Manager {
    /// As the environment says.
    pub fn of_environment() -> Manager {
        let mut manager = Manager {
            way: None,
            ready: false,
            said: String::new(),
            again: None,
            complained: false,
        };
        match Way::of_environment() {
            Some(Ok(way)) => manager.way = Some(Arc::new(way)),
            Some(Err(why)) => manager.complain(&why),
            None => {}
        }
        manager
    }

    /// It waits to be told something.
    pub fn is_there(&self) -> bool {
        self.way.is_some()
    }

    /// When it is to be told again what it did not get.
    pub fn again(&self) -> Option<Instant> {
        self.again
    }

    /// Pings it from now on, twice in the time that it gives us (`WATCHDOG_USEC`), but not while the worker
    /// hangs. On the thread of the event loop: where that hangs, nobody pings either.
    pub fn watch(&self, busy: Busy) -> io::Result<()> {
        let (Some(way), Some(time)) = (self.way.clone(), sd_notify::watchdog_enabled()) else {
            return Ok(());
        };
        let half = (time / 2).max(Duration::from_millis(1));
        let mut alarm = Alarm::new()?;
        tokio::spawn(async move {
            let mut hung = false;
            loop {
                let (length, most) = busy.now();
                let was = std::mem::replace(&mut hung, hangs(length, most));
                match (hung, was) {
                    (false, _) => drop(way.send(&[NotifyState::Watchdog])),
                    (true, false) => error!(
                        "the worker hangs: its order was to take {most:?} at most; no more pings, so \
                         the service manager restarts us"
                    ),
                    (true, true) => {}
                }
                if alarm.until(Instant::now().checked_add(half)).await.is_err() {
                    return; // nobody pings any more: it restarts us
                }
            }
        });
        Ok(())
    }

    /// The first pass is done, or something has changed since.
    pub fn tell(&mut self, line: &str) {
        if self.ready && line == self.said {
            self.again = None; // what it did not get has passed
            return;
        }
        let status = NotifyState::Status(line);
        let sent = match self.ready {
            true => self.send(&[status]),
            false => self.send(&[NotifyState::Ready, status]),
        };
        self.again = (!sent).then(|| Instant::now() + AGAIN);
        if sent {
            self.ready = true;
            line.clone_into(&mut self.said);
        }
    }

    /// The configuration is read anew. Ends with the next [`Manager::tell`].
    pub fn reloading(&mut self) {
        self.ready = false;
        // systemd 253 compares the time with that of its own request.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(_) => self.send(&[NotifyState::Reloading]),
        };
    }

    /// The end has begun.
    pub fn stopping(&mut self) {
        self.send(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    /// False when it may get it later.
    fn send(&mut self, states: &[NotifyState<'_>]) -> bool {
        match self.way.as_ref().map(|way| way.send(states)) {
            None | Some(Ok(())) => true,
            Some(Err(why)) => {
                self.complain(&why);
                false
            }
        }
    }

    /// Once: it is tried again each second.
    fn complain(&mut self, why: &io::Error) {
        if !std::mem::replace(&mut self.complained, true) {
            warn!("the service manager cannot be told anything (NOTIFY_SOCKET): {why}");
        }
    }
}

/// How the service is, in one line: what keeps it from its work first. `refused`: the last reload was.
pub fn line(status: &Status, missing: &Damage, refused: bool) -> String {
    let left = |key: &ChainKey| status.yielded.iter().any(|one| one.chain == *key);
    let watched = |key: &&ChainKey| {
        let table = status.families.get(&key.family).and_then(|tables| tables.get(&key.table));
        status.keep == "none" || table == Some(&TableState::Watched)
    };
    let (gone, lost): (Vec<&ChainKey>, Vec<&ChainKey>) =
        missing.0.keys().filter(|key| !left(key)).partition(watched);
    let yielded: Vec<&ChainKey> = status.yielded.iter().map(|one| &one.chain).collect();
    let first = |all: &[String]| all.first().and_then(|e| e.lines().next().map(str::to_owned));
    let parts = [
        first(&status.errors).map(|error| format!("failed: {error}")),
        status.paused_ms.map(|_| "paused".to_owned()),
        some("missing", &lost),
        some("left to others", &yielded),
        some("gone, only watched", &gone),
        first(&status.problems).map(|problem| format!("wrong: {problem}")),
        refused.then(|| "the last reload was refused".to_owned()),
    ];
    let mut parts: Vec<String> = parts.into_iter().flatten().collect();
    if status.looked_ms.is_none() && status.errors.is_empty() {
        parts.insert(0, "has not looked yet".to_owned());
    } else if status.in_sync() && lost.is_empty() && gone.is_empty() {
        parts.insert(0, "in sync".to_owned());
    }
    let line = safe::line(&format!("{}: {}", status.backend, parts.join("; ")));
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

fn some(what: &str, chains: &[&ChainKey]) -> Option<String> {
    let more = match chains.len() {
        0 => return None,
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Some(format!("{what}: {}{more}", chains.first()?))
}

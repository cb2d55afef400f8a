//! `--netns`: another network namespace, in which the whole program is from its first step on.
use crate::exit;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::{Mode, fstat};
use std::path::{Path, PathBuf};

/// Where `ip netns` names them; and the same by its older name.
const NAMED: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// Why it cannot be done, with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use network namespace {}: {what}", .path.display())]
pub struct NoEntry {
    path: PathBuf,
    what: String,
    /// The way out.
    pub remedy: &'static str,
    /// The exit code.
    pub code: u8,
}

/// Moves this process there. Must be called before any thread is started: others would stay where they are.
/// `asked`: a path, or a bare name in `/run/netns`. Returns what it is called in names of files.
pub fn enter(asked: &Path) -> Result<String, NoEntry> {
    let path = match asked.components().count() {
        1 if asked.is_relative() => Path::new(NAMED[0]).join(asked),
        _ => asked.to_owned(),
    };
    // What is a FIFO must not be waited for.
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let file = open(&path, flags, Mode::empty()).map_err(|errno| no_entry(&path, errno, false))?;
    setns(&file, CloneFlags::CLONE_NEWNET).map_err(|errno| no_entry(&path, errno, true))?;
    let named = NAMED.iter().any(|folder| path.parent() == Some(Path::new(folder)));
    let name = path.file_name().filter(|_| named).map(|name| name.to_string_lossy().into_owned());
    // Paths such as /proc/PID/ns/net have no name of their own: the namespace has a number.
    let number =
        || fstat(&file).map_or_else(|_| "ns".into(), |found| format!("ns-{}", found.st_ino));
    Ok(name.unwrap_or_else(number))
}

fn no_entry(path: &Path, errno: Errno, found: bool) -> NoEntry {
    let (what, remedy, code) = match (errno, found) {
        (Errno::ENOENT | Errno::ENOTDIR | Errno::ESRCH | Errno::ELOOP, _) => (
            "there is none".to_owned(),
            "`ip netns` lists the named ones; that of a process is /proc/PID/ns/net",
            exit::USAGE,
        ),
        (Errno::EINVAL, true) => (
            "that is no network namespace".to_owned(),
            "give /run/netns/NAME, /proc/PID/ns/net, or a NAME of `ip netns`",
            exit::USAGE,
        ),
        (Errno::EPERM | Errno::EACCES, _) => (
            "not permitted: moving there needs CAP_SYS_ADMIN".to_owned(),
            "run it as root with CAP_SYS_ADMIN, or start it inside: ip netns exec NAME chainkeeper ...",
            exit::DENIED,
        ),
        (other, _) => (other.desc().to_owned(), "look at the path that is named", exit::FAILED),
    };
    NoEntry { path: path.to_owned(), what, remedy, code }
}

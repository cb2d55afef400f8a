//! The xtables lock: what every iptables-legacy takes before it writes.
use chainkeeper_contract::{BackendError, ErrorKind, Misplaced};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat, stat};
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Held until dropped. Not nix's `Flock`, which panics where that fails.
#[derive(Debug)]
pub(crate) struct Held(File);

impl Deref for Held {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

/// A child that has it still has no need of it any more. If that fails, closing it lets it go all the same.
impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Where the tools look for it: `XTABLES_LOCKFILE` (1.8.6), else where they are compiled to.
pub(crate) fn path() -> PathBuf {
    match std::env::var_os("XTABLES_LOCKFILE") {
        Some(path) if !path.is_empty() => path.into(),
        Some(_) | None => "/run/xtables.lock".into(),
    }
}

/// Takes it, as iptables does (read only, created with mode 0600, flock), waiting at most `budget`, and not
/// once `stop` is true.
pub(crate) fn take(path: &Path, budget: Duration, stop: &AtomicBool) -> Result<Held, BackendError> {
    let until = Instant::now() + budget;
    let mut file = opened(path)?;
    loop {
        match file.try_lock() {
            Ok(()) if same(path, &file) => return Ok(Held(file)),
            // Somebody put another file there meanwhile: our lock would keep nobody out.
            Ok(()) => file = opened(path)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(e)) => {
                return Err(failed(path, ErrorKind::Refused, &e.to_string(), None));
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Err(failed(path, ErrorKind::Busy, "told to stop waiting for it", None));
        }
        if Instant::now() >= until {
            let words = format!("{} still holds it after {budget:?}", holder(&file));
            return Err(failed(path, ErrorKind::Busy, &words, None));
        }
        sleep(Duration::from_millis(10));
    }
}

fn opened(path: &Path) -> Result<File, BackendError> {
    // Nobody waits for the writer of a pipe; the tools would.
    let flags = OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    match open(path, flags, Mode::from_bits_truncate(0o600)).map(File::from) {
        Ok(file) if file.metadata().is_ok_and(|found| found.file_type().is_fifo()) => {
            Err(failed(path, ErrorKind::Refused, "it is a pipe", None))
        }
        Ok(file) => Ok(file),
        Err(errno @ (nix::errno::Errno::EACCES | nix::errno::Errno::EPERM)) => {
            Err(failed(path, ErrorKind::Denied, errno.desc(), None))
        }
        Err(errno @ nix::errno::Errno::EISDIR) => {
            Err(failed(path, ErrorKind::Refused, errno.desc(), Some(Misplaced::Folder)))
        }
        Err(errno) => Err(failed(path, ErrorKind::Refused, errno.desc(), None)),
    }
}

/// The lock of a container of its own: taken by nobody else, so of no use.
pub(crate) fn private(path: &Path) -> BackendError {
    let words = "the host's is not mounted there";
    failed(path, ErrorKind::Refused, words, Some(Misplaced::Private))
}

fn failed(path: &Path, kind: ErrorKind, words: &str, misplaced: Option<Misplaced>) -> BackendError {
    let what = format!("cannot take the xtables lock {}", path.display());
    BackendError::Lock { kind, what, words: words.to_owned(), misplaced }
}

fn same(path: &Path, held: &File) -> bool {
    let id = |s: nix::sys::stat::FileStat| (s.st_dev, s.st_ino);
    stat(path).ok().map(id) == fstat(held).ok().map(id)
}

/// The process that holds the file of that inode, by `/proc/locks`
/// (`FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE`).
fn holding(inode: u64) -> Option<String> {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let flock = words.iter().position(|w| *w == "FLOCK")?;
        let on = words.get(flock + 4)?.rsplit(':').next()?;
        // `->` in front: one that waits, as we do.
        (on == inode.to_string() && words.get(1) != Some(&"->"))
            .then(|| words[flock + 3].to_owned())
    })
}

/// Who holds it, as far as it shows.
fn holder(file: &File) -> String {
    let Ok(inode) = fstat(file).map(|s| s.st_ino) else { return "somebody".into() };
    // It is read in pieces, and a line is missed now and then (2 reads of 100 at 512 bytes, Linux 6.18) while
    // others take and release locks.
    let pid = (0..3).find_map(|_| holding(inode));
    let Some(pid) = pid.filter(|p| p.parse().is_ok_and(|p: i32| p > 0)) else {
        return "somebody outside of this pid namespace".into();
    };
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("{} (pid {pid})", name.trim()),
        // The lock is that of an open file: a child has it still.
        Err(_) => format!("a child of pid {pid}, which has ended"),
    }
}

//! Asks `/proc` about a writer, at once: a short-lived one is gone in a millisecond.
use super::{Culprit, Process, cgroup, text};
use chainkeeper_contract::Writer;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The initial pid namespace (PROC_PID_INIT_INO, 0xEFFFFFFC): threads are told as numbers of this one.
const INITIAL: &str = "pid:[4026531836]";
/// No file that we read is longer; of a command line the beginning will do.
const MOST: usize = 16 * 1024;

/// Why there is no process.
type Unknown = &'static str;

/// The kernel tells numbers of the initial pid namespace: one that is somebody here is somebody else.
pub(super) const ELSEWHERE: Unknown = "not in the initial pid namespace";
const GONE: Unknown = "gone before it could be asked";
const REUSED: Unknown = "another process has that number now";
/// It called another program (exec), or is another one.
const RENAMED: Unknown = "that number has another name now";
/// `hidepid=` on /proc (systemd: ProtectProc=), and we lack CAP_SYS_PTRACE.
const HIDDEN: Unknown = "/proc hides other processes";
const UNREAD: Unknown = "/proc could not be read";
const CLOCKLESS: Unknown = "the time since boot could not be read";

/// Says what process a writer is.
#[derive(Debug)]
pub struct Resolver {
    /// Where /proc is; elsewhere in tests.
    proc: PathBuf,
    /// Clock ticks per second, the unit of start times; or why no writer can be resolved here.
    ticks: Result<u64, Unknown>,
    command_lines: bool,
}

impl Resolver {
    /// Finds out once whether /proc speaks of the numbers that the kernel tells. Names command lines, which
    /// may hold secrets, only if asked to.
    pub fn new(command_lines: bool) -> Resolver {
        Resolver::at(Path::new("/proc"), command_lines)
    }

    pub(super) fn at(proc: &Path, command_lines: bool) -> Resolver {
        let ticks = initial(proc).and_then(|()| match sysconf(SysconfVar::CLK_TCK) {
            Ok(Some(ticks)) => u64::try_from(ticks).map_err(|_| CLOCKLESS),
            Ok(None) | Err(_) => Err(CLOCKLESS),
        });
        Resolver { proc: proc.to_path_buf(), ticks, command_lines }
    }

    /// Why no process is ever named here; `None` where they are.
    pub fn unable(&self) -> Option<&'static str> {
        self.ticks.err()
    }

    /// Who that is. To be called as soon as the event has come.
    pub fn resolve(&self, writer: &Writer) -> Culprit {
        let (process, unknown) = match self.ask(writer) {
            Ok(process) => (Some(process), None),
            Err(why) => (None, Some(why.to_string())),
        };
        let name = Some(text::harmless(&writer.name));
        Culprit { name, thread: Some(writer.thread), process, unknown }
    }

    fn ask(&self, writer: &Writer) -> Result<Process, Unknown> {
        let now = since_boot(self.ticks?)?;
        // While it is held open this folder is that thread's: a later owner of the number is not in it.
        let folder = Folder::open(&self.proc.join(writer.thread.to_string()))?;
        let first = folder.stat()?;
        if first.name != writer.name {
            return Err(RENAMED);
        }
        if first.start > now {
            return Err(REUSED);
        }
        // In the order in which an ending process loses it: its memory, its cgroup, its number.
        let command = self.command_lines.then(|| folder.read("cmdline").ok()).flatten();
        let cgroup = folder.read("cgroup").unwrap_or_default();
        let pid = text::leader(&folder.read("status")?).ok_or(UNREAD)?;
        let parent = self.name_of(first.parent);
        let last = folder.stat()?;
        if last.name != first.name {
            return Err(RENAMED);
        }
        if last.start != first.start {
            return Err(REUSED);
        }
        let (unit, container) = cgroup::home(&cgroup);
        Ok(Process {
            pid,
            // A child whose parent ends is given to another at once: it was the same all the time.
            parent: parent.filter(|(_, pid)| *pid == last.parent),
            unit,
            container,
            command: command.as_deref().and_then(text::command),
        })
    }

    /// A process that has a number now. Nobody is the parent of the first one: 0.
    fn name_of(&self, pid: u32) -> Option<(String, u32)> {
        let stat = Folder::open(&self.proc.join(pid.to_string())).ok()?.stat().ok()?;
        Some((text::harmless(&stat.name), pid))
    }
}

/// Are we in the initial pid namespace, and does this /proc show all of it?
fn initial(proc: &Path) -> Result<(), Unknown> {
    let namespace = fs::read_link(proc.join("self/ns/pid")).map_err(|_| UNREAD)?;
    let status = fs::read_to_string(proc.join("self/status")).map_err(|_| UNREAD)?;
    // A /proc of an outer namespace lists our number in each namespace on the way down to ours.
    if namespace != Path::new(INITIAL) || text::namespaces(&status) != Some(1) {
        return Err(ELSEWHERE);
    }
    // The first process is always there.
    fs::read(proc.join("1/stat")).map(|_| ()).map_err(|_| HIDDEN)
}

/// The time since boot in such ticks, rounded down as start times are.
fn since_boot(ticks: u64) -> Result<u64, Unknown> {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(|_| CLOCKLESS)?;
    let [seconds, nanos] = [now.tv_sec(), now.tv_nsec()].map(u64::try_from);
    let (Ok(seconds), Ok(nanos)) = (seconds, nanos) else { return Err(CLOCKLESS) };
    Ok(seconds * ticks + nanos * ticks / 1_000_000_000)
}

/// The folder of one thread.
struct Folder(OwnedFd);

impl Folder {
    fn open(path: &Path) -> Result<Folder, Unknown> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        open(path, flags, Mode::empty()).map(Folder).map_err(why)
    }

    /// A file in it. Bytes that are no text are replaced, as in the name that the kernel tells.
    fn read(&self, name: &str) -> Result<String, Unknown> {
        let file = openat(&self.0, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
        let mut bytes = Vec::with_capacity(4096);
        let read = File::from(file.map_err(why)?).take(MOST as u64).read_to_end(&mut bytes);
        read.map_err(|e: io::Error| why(Errno::from_raw(e.raw_os_error().unwrap_or(0))))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn stat(&self) -> Result<text::Stat, Unknown> {
        text::stat(&self.read("stat")?).ok_or(UNREAD)
    }
}

/// What an error in a thread's folder means.
fn why(errno: Errno) -> Unknown {
    if [Errno::ENOENT, Errno::ESRCH].contains(&errno) {
        GONE
    } else if [Errno::EPERM, Errno::EACCES].contains(&errno) {
        HIDDEN
    } else {
        UNREAD
    }
}

//! One run of a tool: text in, text out, and a time limit. No pipe, so nothing can block on the other
//! side: input, output and the tool's private lock are files in memory.
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, dup};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Characters of a tool's words that are kept.
const WORDS: usize = 1000;

/// What a service manager says to us and to nobody else: a tool that answered it would speak in our name.
const NOT_FOR_TOOLS: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// A tool that was started.
pub(crate) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
    until: Instant,
    /// Held open: the child opens it by its number.
    _lock: Option<File>,
    /// The real lock as the child has it.
    _held: Option<OwnedFd>,
}

/// How it ended.
pub(crate) struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// Its words, or what became of it, in one line.
    pub(crate) words: String,
    /// It had to be killed.
    pub(crate) late: bool,
}

/// Starts `command` with this input. With `private_lock` it takes a lock of its own for the xtables lock
/// (XTABLES_LOCKFILE, iptables 1.8.6), which nobody else can hold: the real one is ours by then. `held`, the
/// real one, is let go with the last process that has it: should we be killed, it stays until the tool is done.
pub(crate) fn start(
    mut command: Command,
    input: &str,
    private_lock: bool,
    held: Option<&File>,
    limit: Duration,
) -> io::Result<Running> {
    let mut stdin = memory(MFdFlags::MFD_CLOEXEC)?;
    stdin.write_all(input.as_bytes())?;
    stdin.rewind()?;
    let (stdout, stderr) = (memory(MFdFlags::MFD_CLOEXEC)?, memory(MFdFlags::MFD_CLOEXEC)?);
    let lock = if private_lock { Some(memory(MFdFlags::empty())?) } else { None };
    if let Some(lock) = &lock {
        command.env("XTABLES_LOCKFILE", format!("/proc/self/fd/{}", lock.as_raw_fd()));
    }
    for name in NOT_FOR_TOOLS {
        command.env_remove(name);
    }
    let held = held.map(dup).transpose()?;
    // A group of its own: a tool may be a wrapper, whose child is to be killed with it.
    command.stdin(stdin).process_group(0);
    command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let child = command.spawn()?;
    Ok(Running { child, stdout, stderr, until: Instant::now() + limit, _lock: lock, _held: held })
}

fn memory(flags: MFdFlags) -> io::Result<File> {
    Ok(memfd_create(c"chainkeeper", flags)?.into())
}

impl Running {
    /// Waits for its end, and kills it at its time limit.
    pub(crate) fn finish(mut self) -> io::Result<Ended> {
        let mut pause = Duration::from_micros(200);
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break Some(status),
                None if Instant::now() >= self.until => break None,
                None => sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_millis(5));
        };
        let late = status.is_none();
        let status = match status {
            Some(status) => status,
            None => {
                self.kill();
                self.child.wait()?
            }
        };
        let (stdout, stderr) = (content(&mut self.stdout)?, content(&mut self.stderr)?);
        let words = words(&String::from_utf8_lossy(&stderr), status, late);
        Ok(Ended { code: status.code(), stdout, words, late })
    }

    /// Kills it and all that it has started. It is not waited for yet, so its number is still its own.
    fn kill(&mut self) {
        if let Ok(pid) = self.child.id().try_into() {
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// A child that nobody waits for any more must not be left to write later.
impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a tool wrote to standard error in one line, without its pointer to the manual.
fn words(stderr: &str, status: ExitStatus, late: bool) -> String {
    let lines = stderr.lines().map(str::trim);
    let said: Vec<&str> = lines.filter(|l| !l.is_empty() && !l.starts_with("Try `")).collect();
    let end = match (late, status.code(), status.signal()) {
        (true, _, _) => "it did not end in time and was killed".to_owned(),
        (false, Some(code), _) => format!("exit {code}"),
        (false, None, signal) => format!("killed by signal {}", signal.unwrap_or_default()),
    };
    match said.is_empty() {
        true => end,
        false => format!("{end}: {}", shortened(&said.join("; "))),
    }
}

/// A message is for people: of very many words the first and the last ones.
fn shortened(text: &str) -> String {
    let at = |n| text.char_indices().nth(n).map(|(i, _)| i);
    let back = |n| text.char_indices().nth_back(n).map(|(i, _)| i);
    match (at(WORDS), at(WORDS / 2), back(WORDS / 2)) {
        (Some(_), Some(end), Some(start)) => format!("{} ... {}", &text[..end], &text[start..]),
        (_, _, _) => text.to_owned(),
    }
}

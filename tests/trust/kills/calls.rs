//! The system calls of a run, as strace(1) saw them, and what may happen to each.
use crate::support::{Host, Scratch};
use std::fmt;
use std::path::PathBuf;

/// One of them: of those of its name the n-th, from 1. That is how strace counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    name: String,
    nth: usize,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The process is killed on its way in: all before it was done, and nothing after.
    Killed,
    /// It is not made, and returns this.
    Failed(&'static str),
}

fn log(host: &Host) -> PathBuf {
    host.state().with_file_name("strace.log")
}

impl Fate {
    /// Whether it came, as strace(1) has written down.
    pub(super) fn came(self, host: &Host) -> bool {
        let sign = match self {
            Fate::Killed => "+++ killed by SIGKILL +++",
            Fate::Failed(_) => "(INJECTED)",
        };
        std::fs::read_to_string(log(host)).is_ok_and(|log| log.contains(sign))
    }
}

impl Call {
    /// The words for strace(1): only what it injects is looked at, so the rest goes at full speed. What became of it
    /// is in a log of that host's.
    pub(super) fn strace(&self, fate: Fate, host: &Host) -> String {
        let Call { name, nth } = self;
        let how = match fate {
            Fate::Killed => "signal=KILL".to_owned(),
            Fate::Failed(errno) => format!("error={errno}"),
        };
        let log = log(host).display().to_string();
        format!("strace -A -o {log} -e trace={name} -e inject={name}:{how}:when={nth}")
    }

    /// Each way in which it may fail on a real host.
    pub(super) fn failures(&self) -> Vec<Fate> {
        fitting(&self.name).iter().map(|errno| Fate::Failed(errno)).collect()
    }

    /// So nobody asks for what it says on paper.
    pub(super) fn is_write(&self) -> bool {
        self.name == "write"
    }
}

/// Those that are ours: not the loader's, and not those of the start of Rust's own runtime, which ends by setting up
/// its stack for signals. The same for every command.
pub(super) fn ours(calls: &[Call]) -> &[Call] {
    let last = calls.iter().position(|call| call.name == "sigaltstack" && call.nth == 2);
    &calls[last.expect("it starts") + 1..]
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.nth)
    }
}

/// What a program that ends by itself calls, in its order; not the start that strace itself makes.
pub(super) fn calls(host: &Host, words: &str) -> Vec<Call> {
    let log = Scratch::new(&format!("calls-{:?}", std::thread::current().id()), "");
    let said = host.ck_under(&format!("strace -qq -o '{}'", log.path()), words);
    assert_eq!(said.code, 0, "{words}: {said:?}");
    logged(&std::fs::read_to_string(log.path()).expect("strace wrote it")).split_off(1)
}

/// The calls in a log of strace's.
pub(super) fn logged(text: &str) -> Vec<Call> {
    let mut found: Vec<Call> = Vec::new();
    for line in text.lines() {
        let Some((name, _)) = line.split_once('(') else { continue };
        if name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            let nth = found.iter().filter(|call| call.name == name).count() + 1;
            found.push(Call { name: name.to_owned(), nth });
        }
    }
    assert!(!found.is_empty(), "{text}");
    found
}

/// What a call of this name may fail with. Nothing: it cannot fail, or no caller can know. `close` is one: of a
/// folder it never fails on Linux, and Rust's own library takes it for a bug. `brk` is another: the kernel answers
/// with the old end, never with an errno, and libc takes one for an address.
fn fitting(name: &str) -> &'static [&'static str] {
    match name {
        "exit_group" | "exit" | "rt_sigreturn" | "gettid" | "getpid" | "futex" | "close"
        | "restart_syscall" | "brk" | "timerfd_settime" => &[],
        "mmap" | "mprotect" | "munmap" | "madvise" | "mremap" => &["ENOMEM"],
        "recvmsg" | "recvfrom" => &["EINTR", "ENOBUFS", "ENOMEM"],
        "sendto" | "sendmsg" => &["EINTR", "EAGAIN", "ENOBUFS", "ENOMEM", "EPERM"],
        "socket" | "memfd_create" | "dup" | "fcntl" => &["EMFILE", "ENOMEM", "EPERM"],
        "bind" | "connect" | "setsockopt" | "getsockopt" | "getsockname" => &["ENOBUFS", "EPERM"],
        "open" | "openat" | "mkdir" => &["EINTR", "EMFILE", "ENOMEM", "EPERM", "EIO", "ENOSPC"],
        "read" | "pread64" => &["EINTR", "EIO"],
        "getdents64" | "readlink" | "lseek" => &["EIO"],
        "write" | "writev" | "fsync" => &["EINTR", "EIO", "ENOSPC", "EPERM"],
        "rename" | "renameat" => &["EIO", "ENOSPC", "EPERM"],
        "clone" | "clone3" | "vfork" | "fork" => &["EAGAIN", "ENOMEM"],
        "poll" | "ppoll" | "epoll_wait" | "clock_nanosleep" | "wait4" | "waitid" => &["EINTR"],
        "flock" => &["EINTR", "ENOLCK", "EIO"],
        "stat" | "statx" | "newfstatat" | "fstat" | "access" => &["ENOMEM", "EPERM"],
        _ => &["ENOMEM", "EPERM"],
    }
}

//! Who wrote: the name that the kernel gives, and what `/proc` adds to it while it can be believed.
mod ask;
mod cgroup;
#[cfg(test)]
mod fakes;
mod text;

pub use ask::Resolver;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why there is no process where the kernel names nobody: iptables-legacy, and where we ask now and then.
const NOTHING_TELLS: &str = "nothing tells who";

/// Somebody who made a commit. What strangers chose (names, command lines) is harmless to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Culprit {
    /// Its command name as the kernel tells it, cut to 15 bytes; `None` where nothing tells.
    pub name: Option<String>,
    /// Its thread as the kernel tells it, a number of the initial pid namespace.
    pub thread: Option<u32>,
    /// The process, where it could be proven to be this one.
    pub process: Option<Process>,
    /// Why there is no process, in words.
    pub unknown: Option<String>,
}

/// A process that made a commit, read while it lived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// The name and id of its parent.
    pub parent: Option<(String, u32)>,
    /// The systemd unit, from the cgroup: `firewalld.service`.
    pub unit: Option<String>,
    /// The container id, from the cgroup, cut to 12 characters.
    pub container: Option<String>,
    /// Its command line, words parted by blanks, at most 200 characters; `None` where switched off.
    pub command: Option<String>,
}

impl Culprit {
    /// Nobody can be looked up where this was said: the numbers of its /proc are others.
    pub fn is_elsewhere(&self) -> bool {
        self.unknown.as_deref() == Some(ask::ELSEWHERE)
    }

    /// Somebody of whom nothing tells.
    pub fn unknown_writer() -> Culprit {
        let unknown = Some(NOTHING_TELLS.to_string());
        Culprit { name: None, thread: None, process: None, unknown }
    }
}

/// One short phrase: `iptables-restor (pid 5121, firewalld.service)`. A thread of which no process could
/// be proven is called that: `iptables (thread 4121, gone before it could be asked)`.
impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A program may call itself nothing at all.
        f.write_str(self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("somebody"))?;
        match (&self.process, self.thread, &self.unknown) {
            (Some(process), _, _) => write!(f, " ({process})"),
            (None, Some(thread), Some(why)) => write!(f, " (thread {thread}, {why})"),
            (None, Some(thread), None) => write!(f, " (thread {thread})"),
            (None, None, _) => Ok(()),
        }
    }
}

/// Its number and where it is at home; else whose child it is.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        if let Some(container) = &self.container {
            write!(f, ", container {container}")?;
        }
        if let Some(unit) = &self.unit {
            write!(f, ", {unit}")?;
        }
        match &self.parent {
            Some((name, _)) if self.container.is_none() && self.unit.is_none() => {
                write!(f, ", by {name}")
            }
            Some(_) | None => Ok(()),
        }
    }
}

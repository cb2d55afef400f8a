//! Who wrote: the name that the kernel gives, and what `/proc` adds to it while it can be believed.
use serde::{Deserialize, Serialize};

/// Somebody who made a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Culprit {
    /// Its command name as the kernel tells it, cut to 15 bytes; `None` where nothing tells.
    pub name: Option<String>,
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

/// Stub.
#[derive(Debug)]
pub struct Resolver;
impl Resolver {
    /// Stub.
    pub fn new(_: bool) -> Resolver {
        Resolver
    }
    /// Stub.
    pub fn resolve(&self, writer: &chainkeeper_contract::Writer) -> Culprit {
        Culprit { name: Some(writer.name.clone()), process: None, unknown: None }
    }
}
impl Culprit {
    /// Stub.
    pub fn nobody_tells() -> Culprit {
        Culprit { name: None, process: None, unknown: None }
    }
}
impl std::fmt::Display for Culprit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name.as_deref().unwrap_or("somebody"))
    }
}

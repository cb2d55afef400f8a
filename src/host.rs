//! Where this process is and what it may do there, read from /proc. Facts only; `advice` says what they mean.
mod mounts;
mod network;

pub use mounts::{Ground, Spot};

use crate::sandbox;
use serde::Serialize;
use std::env;
use std::fs;
use std::path::Path;

/// CAP_NET_ADMIN, bit 12 of the capability sets (`linux/capability.h`).
const NET_ADMIN: u64 = 1 << 12;
/// CAP_NET_RAW, bit 13: iptables-legacy opens a raw socket.
const NET_RAW: u64 = 1 << 13;
/// Container engines leave one of these: docker, podman.
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];
/// The map of the first user namespace: everybody is who he is.
const EVERYBODY: [&str; 3] = ["0", "0", "4294967295"];

/// The privileges of this thread, as far as they could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Privileges {
    /// Effective user id.
    pub uid: Option<u32>,
    /// CAP_NET_ADMIN is effective.
    pub effective: Option<bool>,
    /// CAP_NET_ADMIN is in the bounding set.
    pub bounding: Option<bool>,
    /// CAP_NET_RAW is effective.
    pub raw: Option<bool>,
    /// No program that is started can gain a privilege, by a file capability neither.
    pub no_new_privs: Option<bool>,
}

/// Where this thread is, and its privileges there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Place {
    /// What it may do.
    pub privileges: Privileges,
    /// In a container: whoever mends something does it in a manifest.
    pub container: bool,
    /// In a user namespace whose root is another user outside.
    pub user_namespace: bool,
}

/// What surrounds a container, as far as it can be wrong without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Surroundings {
    /// The network is one that was made for it; `None`: not known, or chosen (`--netns`).
    pub own_network: Option<bool>,
    /// The place of the socket, if there is to be one.
    pub socket: Option<Spot>,
    /// The place of the state file, if there is to be one.
    pub state: Option<Spot>,
}

impl Place {
    /// CAP_NET_ADMIN is effective, over a user namespace in which the network may not be.
    pub fn is_mapped(self) -> bool {
        self.user_namespace && self.privileges.effective == Some(true)
    }
}

/// Reads all of it.
pub fn place() -> Place {
    let said = env::var("container").ok();
    let marked = env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        || MARKS.iter().any(|mark| Path::new(mark).exists());
    let users = fs::read_to_string("/proc/thread-self/uid_map").ok();
    Place {
        privileges: privileges(),
        container: contained(said.as_deref(), marked),
        user_namespace: users.is_some_and(|map| is_mapped(&map)),
    }
}

/// Looks around in a container; `None` outside of one.
pub fn surroundings(socket: Option<&Path>, state: Option<&Path>) -> Option<Surroundings> {
    (place().container && !sandbox::is_entered()).then(|| Surroundings {
        own_network: network::is_own(),
        socket: socket.and_then(mounts::spot),
        state: state.and_then(mounts::spot),
    })
}

/// What `container` in the environment says counts: podman and systemd-nspawn set it, and `container=none`
/// takes back what a mark says.
pub fn contained(said: Option<&str>, marked: bool) -> bool {
    said.map_or(marked, |said| !["", "none"].contains(&said))
}

/// Is the `uid_map` one of a user namespace that somebody made?
pub fn is_mapped(uid_map: &str) -> bool {
    !uid_map.split_whitespace().eq(EVERYBODY)
}

/// Reads them from `/proc/thread-self/status`.
pub fn privileges() -> Privileges {
    let text = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    parse(&text)
}

/// Reads them from the text of a status file.
pub fn parse(status: &str) -> Privileges {
    let field = |name: &str| status.lines().find_map(|l| l.strip_prefix(name));
    let set = |name, bit| {
        let bits = u64::from_str_radix(field(name)?.trim(), 16).ok()?;
        Some(bits & bit != 0)
    };
    let uid = field("Uid:").and_then(|l| l.split_whitespace().nth(1)?.parse().ok());
    let [effective, bounding] = ["CapEff:", "CapBnd:"].map(|name| set(name, NET_ADMIN));
    let no_new_privs = field("NoNewPrivs:").map(|l| l.trim() == "1");
    Privileges { uid, effective, bounding, raw: set("CapEff:", NET_RAW), no_new_privs }
}

/// Can the xtables lock at that path be the host's? In a container only one that was mounted there. Whoever
/// sets XTABLES_LOCKFILE knows better.
pub fn lock_is_shared(path: &Path) -> bool {
    let named = env::var_os("XTABLES_LOCKFILE").is_some_and(|name| !name.is_empty());
    named || !place().container || mounts::shares(path)
}

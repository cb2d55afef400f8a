//! What this process may do, read from /proc. Facts only; `advice` says what they mean.
use std::fs;

/// CAP_NET_ADMIN, bit 12 of the capability sets (`linux/capability.h`).
const NET_ADMIN: u64 = 1 << 12;
/// CAP_NET_RAW, bit 13: iptables-legacy opens a raw socket.
const NET_RAW: u64 = 1 << 13;

/// The privileges of this thread, as far as they could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Privileges {
    /// Effective user id.
    pub uid: Option<u32>,
    /// CAP_NET_ADMIN is effective.
    pub effective: Option<bool>,
    /// CAP_NET_ADMIN is in the bounding set.
    pub bounding: Option<bool>,
    /// CAP_NET_RAW is effective.
    pub raw: Option<bool>,
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
    Privileges { uid, effective, bounding, raw: set("CapEff:", NET_RAW) }
}

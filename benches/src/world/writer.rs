//! Who wipes: a netlink batch of this process, or iptables-legacy.
use super::{Raw, feed, wall};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What is wiped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The rules of KUBE-POSTROUTING, IPv4.
    Chain,
    /// All that there is: `nft flush ruleset`. Legacy: everything of the three IPv4 tables.
    All,
}

impl Kind {
    pub(crate) const EACH: [Kind; 2] = [Kind::Chain, Kind::All];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Chain => "chain",
            Kind::All => "all",
        })
    }
}

/// Writes in the network namespace of the thread that made it.
#[derive(Debug)]
pub(crate) enum Writer {
    Nft(Raw),
    /// With that lock.
    Legacy(PathBuf),
}

impl Writer {
    pub(crate) fn nft() -> anyhow::Result<Writer> {
        Ok(Writer::Nft(Raw::open()?))
    }

    /// When it began and when it was done, by the wall clock. The commit is between the two.
    pub(crate) fn wipe(&mut self, kind: Kind) -> anyhow::Result<(Duration, Duration)> {
        let before = wall();
        match (self, kind) {
            (Writer::Nft(raw), Kind::Chain) => {
                let names = [(1, "nat"), (2, "KUBE-POSTROUTING")];
                commit(raw, &[message(DEL_RULE, IPV4, &names)])?;
            }
            (Writer::Nft(raw), Kind::All) => commit(raw, &[message(DEL_TABLE, ANY, &[])])?,
            (Writer::Legacy(lock), Kind::Chain) => {
                tool(lock, "iptables-legacy", "-w -t nat -F KUBE-POSTROUTING", "")?;
            }
            (Writer::Legacy(lock), Kind::All) => {
                let nothing = "*mangle\nCOMMIT\n*nat\nCOMMIT\n*filter\nCOMMIT\n";
                tool(lock, "iptables-legacy-restore", "-w", nothing)?;
            }
        }
        Ok((before, wall()))
    }

    /// A commit that takes nothing from anybody: a table comes and goes.
    pub(crate) fn innocent(&mut self) -> anyhow::Result<()> {
        let Writer::Nft(raw) = self else { return Ok(()) };
        let name = [(1, "bystander")];
        commit(raw, &[message(NEW_TABLE, IPV4, &name), message(DEL_TABLE, IPV4, &name)])
    }
}

fn tool(lock: &Path, program: &str, words: &str, input: &str) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    feed(command.args(words.split(' ')).env("XTABLES_LOCKFILE", lock), input)
}

// linux/netfilter/nfnetlink.h and nf_tables.h, the few that are used.
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = 0xa00;
const DEL_TABLE: u16 = 0xa02;
const DEL_RULE: u16 = 0xa08;
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
pub(super) const REQUEST_ACK: u16 = REQUEST | ACK;
const CREATE: u16 = 0x400;
const ANY: u8 = 0;
const IPV4: u8 = 2;

/// With attributes that are names.
fn message(kind: u16, family: u8, names: &[(u16, &str)]) -> Vec<u8> {
    let mut attributes = Vec::new();
    for (number, name) in names {
        let length = 4 + name.len() + 1;
        attributes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes());
        attributes.extend(number.to_ne_bytes());
        attributes.extend(name.as_bytes());
        attributes.resize(attributes.len() + 1 + length.wrapping_neg() % 4, 0);
    }
    let create = if kind == NEW_TABLE { CREATE } else { 0 };
    framed(kind, REQUEST_ACK | create, family, [0, 0], &attributes)
}

pub(super) fn framed(kind: u16, flags: u16, family: u8, resource: [u8; 2], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + body.len()).unwrap_or(u32::MAX);
    let mut out = length.to_ne_bytes().to_vec();
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend([0; 8]); // number and port
    out.extend([family, 0, resource[0], resource[1]]);
    out.extend(body);
    out
}

pub(super) fn batch(messages: &[Vec<u8>]) -> Vec<u8> {
    let edge = |kind| framed(kind, REQUEST, ANY, [0, 10], &[]);
    [edge(BATCH_BEGIN), messages.concat(), edge(BATCH_END)].concat()
}

/// As one batch. The kernel has committed it when the sending returns.
fn commit(raw: &mut Raw, messages: &[Vec<u8>]) -> anyhow::Result<()> {
    raw.send(&batch(messages)).map(drop)
}

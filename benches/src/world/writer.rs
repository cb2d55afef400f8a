//! Who wipes: a netlink batch of this process, or iptables-legacy.
use super::wall;
use anyhow::{Context as _, ensure};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto,
    socket,
};
use std::fmt;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
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
    Nft(OwnedFd),
    /// With that lock.
    Legacy(PathBuf),
}

impl Writer {
    pub(crate) fn nft() -> anyhow::Result<Writer> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Writer::Nft(socket))
    }

    /// When it began and when it was done, by the wall clock. The commit is between the two.
    pub(crate) fn wipe(&self, kind: Kind) -> anyhow::Result<(Duration, Duration)> {
        let before = wall();
        match (self, kind) {
            (Writer::Nft(socket), Kind::Chain) => {
                let names = [(1, "nat"), (2, "KUBE-POSTROUTING")];
                commit(socket, &[message(DEL_RULE, IPV4, &names)])?;
            }
            (Writer::Nft(socket), Kind::All) => commit(socket, &[message(DEL_TABLE, ANY, &[])])?,
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
    pub(crate) fn innocent(&self) -> anyhow::Result<()> {
        let Writer::Nft(socket) = self else { return Ok(()) };
        let name = [(1, "bystander")];
        commit(socket, &[message(NEW_TABLE, IPV4, &name), message(DEL_TABLE, IPV4, &name)])
    }
}

fn tool(lock: &PathBuf, program: &str, words: &str, input: &str) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.args(words.split(' ')).env("XTABLES_LOCKFILE", lock).stdin(Stdio::piped());
    let mut child = command.spawn().context(program.to_owned())?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    ensure!(child.wait()?.success(), "{program} {words} failed");
    Ok(())
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
const ERROR: u16 = 0x2;
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

/// Sends it as one batch. The kernel has committed it when the sending returns, and then the answers are
/// there: one for each message.
fn commit(socket: &OwnedFd, messages: &[Vec<u8>]) -> anyhow::Result<()> {
    sendto(socket.as_raw_fd(), &batch(messages), &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    for _ in messages {
        let mut answer = [0; 512];
        let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        let word = |at: usize| [answer[at], answer[at + 1], answer[at + 2], answer[at + 3]];
        ensure!(length >= 20 && word(4)[..2] == ERROR.to_ne_bytes(), "a strange answer");
        ensure!(word(16) == [0; 4], "the kernel refused: errno {}", -i32::from_ne_bytes(word(16)));
    }
    Ok(())
}

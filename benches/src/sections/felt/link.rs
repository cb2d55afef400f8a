//! Two hosts, one link, and marked packets from one to the other.
use crate::world::{Programs, feed};
use anyhow::{Context as _, bail, ensure};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{setsockopt, sockopt};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

const MASQUERADE: u32 = 0x4000;
const DROP: u32 = 0x8000;
/// The sender's address on the link, by which masquerading replaces its other one.
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 9, 1, 1);
/// Where connections come from that are to be masqueraded.
pub(super) const SOURCES: &str = "10.9.1.0/24";
const PEER: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 9, 0, 2), 7001);
/// A link that carries nothing by then never does.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a packet is: its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// The first of a connection that is to be masqueraded.
    First = b'f' as isize,
    /// Another one of such a connection.
    Again = b'a' as isize,
    ToDrop = b'd' as isize,
}

/// A packet that arrived.
pub(super) struct Heard {
    pub(super) sort: Sort,
    pub(super) number: u16,
    pub(super) masqueraded: bool,
}

/// The sender is the calling thread's network namespace; the other lives as long as its socket.
pub(super) struct Link {
    ear: UdpSocket,
    to_drop: UdpSocket,
}

impl Link {
    pub(super) fn new() -> anyhow::Result<Link> {
        let here = File::open("/proc/thread-self/ns/net")?;
        unshare(CloneFlags::CLONE_NEWNET).context("a second network namespace")?;
        let there = File::open("/proc/thread-self/ns/net")?;
        setns(&here, CloneFlags::CLONE_NEWNET)?;
        let other = format!("/proc/{}/fd/{}", process::id(), there.as_raw_fd());
        ip(&format!(
            "link add veth type veth peer name veth netns {other}\n\
             addr add {NEAR}/24 dev veth\naddr add {SECOND}/32 dev lo\n\
             link set lo up\nlink set veth up\n"
        ))?;
        setns(&there, CloneFlags::CLONE_NEWNET)?;
        // The way back is there for the reverse path filter; nobody answers.
        let peer = PEER.0;
        ip(&format!(
            "addr add {peer}/24 dev veth\nlink set veth up\nroute add {SECOND} via {NEAR}\n"
        ))?;
        let ear = UdpSocket::bind(PEER)?;
        setns(&here, CloneFlags::CLONE_NEWNET)?;
        ear.set_nonblocking(true)?;
        keep_track()?;
        let link = Link { ear, to_drop: marked((NEAR, 0), DROP)? };
        link.carries().map(|()| link)
    }

    /// Neither has the other's link address at first.
    fn carries(&self) -> anyhow::Result<()> {
        let (began, plain) = (Instant::now(), UdpSocket::bind((NEAR, 0))?);
        while began.elapsed() < PATIENCE {
            plain.send_to(b"?", PEER)?;
            thread::sleep(Duration::from_millis(20));
            if self.ear.recv(&mut [0; 8]).is_ok() {
                thread::sleep(Duration::from_millis(20));
                while self.ear.recv(&mut [0; 8]).is_ok() {}
                return Ok(());
            }
        }
        bail!("nothing arrives over the link")
    }

    /// Of the connection with that number: each has a port of its own. Its socket need not be kept.
    pub(super) fn send(&self, sort: Sort, number: u16) -> anyhow::Result<()> {
        let packet = [&[sort as u8][..], &number.to_ne_bytes()].concat();
        let sent = match sort {
            Sort::First | Sort::Again => {
                marked((SECOND, 2000 + number), MASQUERADE)?.send_to(&packet, PEER)
            }
            Sort::ToDrop => self.to_drop.send_to(&packet, PEER),
        };
        match sent {
            // So the kernel tells that OUTPUT dropped it.
            Err(e) if sort == Sort::ToDrop && e.kind() == ErrorKind::PermissionDenied => Ok(()),
            sent => sent.map(drop).context("a packet"),
        }
    }

    /// The next that has arrived by now.
    pub(super) fn hear(&self) -> anyhow::Result<Option<Heard>> {
        let mut packet = [0; 8];
        let (length, from) = match self.ear.recv_from(&mut packet) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
            heard => heard?,
        };
        let sort = [Sort::First, Sort::Again, Sort::ToDrop];
        let sort = sort.into_iter().find(|sort| *sort as u8 == packet[0]);
        ensure!(length == 3, "a strange packet from {from}");
        Ok(Some(Heard {
            sort: sort.context("a strange packet")?,
            number: u16::from_ne_bytes([packet[1], packet[2]]),
            masqueraded: from.ip() != IpAddr::V4(SECOND),
        }))
    }
}

fn marked(from: (Ipv4Addr, u16), mark: u32) -> anyhow::Result<UdpSocket> {
    let socket = UdpSocket::bind(from).with_context(|| format!("port {}", from.1))?;
    setsockopt(&socket, sockopt::Mark, &mark)?;
    Ok(socket)
}

/// Connections are tracked through every wipe, as wherever anything of iptables-legacy, IPVS or Open vSwitch
/// is in use; for as long as one by TCP would be; and the time at which they begin is written down.
fn keep_track() -> anyhow::Result<()> {
    let rule = "*filter\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n";
    let folder = tempfile::tempdir()?;
    Programs::new(folder.path()).restore("ip", "legacy", rule)?;
    for (setting, value) in [("timestamp", "1"), ("udp_timeout", "600")] {
        let file = format!("/proc/sys/net/netfilter/nf_conntrack_{setting}");
        fs::write(&file, value).context(file)?;
    }
    Ok(())
}

fn ip(batch: &str) -> anyhow::Result<()> {
    feed(Command::new("ip").args(["-batch", "-"]), batch)
}

//! The socket. A request and its answers; nothing here knows what they mean.
//!
//! nfnetlink does its work inside `sendmsg`: when `send` returns, every answer is queued (a dump is
//! produced by `recv` itself). So nothing ever blocks: EAGAIN means "no more answers".
#![allow(unsafe_code)]
use chainkeeper_contract::Errno;
use nix::errno::Errno as NixErrno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt,
};
use std::os::fd::{AsRawFd, OwnedFd};

/// A netlink datagram of a dump is at most 32 KiB (NLMSG_GOODSIZE limits apart); twice that is room.
const RECEIVE: usize = 64 * 1024;
/// net.core.wmem_default; a batch beyond a good part of it needs a larger send buffer.
const SEND_DEFAULT: usize = 128 * 1024;

/// A NETLINK_NETFILTER socket, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    seq: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(crate) fn open() -> Result<Socket, Errno> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )
        .map_err(errno)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0)).map_err(errno)?;
        // Old kernels lack them; errors then say less, nothing else changes.
        let _ = set_netlink(&fd, libc::NETLINK_EXT_ACK);
        let _ = set_netlink(&fd, libc::NETLINK_CAP_ACK);
        Ok(Socket { fd, seq: 1, buffer: vec![0; RECEIVE] })
    }

    /// Reserves `count` sequence numbers and returns the first.
    pub(crate) fn seqs(&mut self, count: usize) -> u32 {
        let first = self.seq;
        self.seq = self.seq.wrapping_add(count as u32 + 1);
        first
    }

    /// Sends one datagram: for a batch, one commit.
    pub(crate) fn send(&self, datagram: &[u8]) -> Result<(), Errno> {
        if datagram.len() > SEND_DEFAULT {
            let size = datagram.len() * 2;
            // FORCE needs CAP_NET_ADMIN in the initial user namespace; else up to wmem_max.
            if setsockopt(&self.fd, sockopt::SndBufForce, &size).is_err() {
                let _ = setsockopt(&self.fd, sockopt::SndBuf, &size);
            }
        }
        loop {
            match send(self.fd.as_raw_fd(), datagram, MsgFlags::empty()) {
                Err(NixErrno::EINTR) => {}
                Err(e) => return Err(errno(e)),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// The next datagram of answers; `None` when there is none left.
    pub(crate) fn receive(&mut self) -> Result<Option<&[u8]>, Errno> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        loop {
            let len = match recv(self.fd.as_raw_fd(), &mut self.buffer, flags) {
                Err(NixErrno::EINTR) => continue,
                Err(NixErrno::EAGAIN) => return Ok(None),
                Err(e) => return Err(errno(e)),
                Ok(len) => len,
            };
            return self.buffer.get(..len).map(Some).ok_or(Errno::MSGSIZE);
        }
    }
}

fn errno(e: NixErrno) -> Errno {
    Errno(e as i32)
}

fn set_netlink(fd: &OwnedFd, option: libc::c_int) -> Result<(), Errno> {
    let on: libc::c_int = 1;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `fd` is open for as long as it is borrowed, and `on` is a live c_int of `len` bytes
    // that the kernel only reads. JUSTIFICATION: no safe crate in the tree knows SOL_NETLINK options.
    let done = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_NETLINK, option, (&raw const on).cast(), len)
    };
    if done == 0 { Ok(()) } else { Err(errno(NixErrno::last())) }
}

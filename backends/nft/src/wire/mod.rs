//! The socket. A request and its answers; nothing here knows what they mean.
//!
//! nfnetlink does its work inside `sendmsg`: when `send` returns, every answer is queued (a dump is
//! produced by `recv` itself). So nothing ever blocks: EAGAIN means "no more answers".
#![allow(unsafe_code)]
#[cfg(feature = "nftnl")]
mod mnl;
mod pure;

use crate::write::Encoder;
use chainkeeper_contract::Errno;
use nix::errno::Errno as NixErrno;
use nix::sys::socket::{setsockopt, sockopt};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// A netlink datagram of a dump is at most 32 KiB (NLMSG_GOODSIZE limits apart); twice that is room.
const RECEIVE: usize = 64 * 1024;
/// libmnl reads into a buffer aligned for a `nlmsghdr`.
const ALIGN: usize = 8;
/// net.core.wmem_default; a batch beyond a good part of it needs a larger send buffer.
const SEND_DEFAULT: usize = 128 * 1024;

/// A bound NETLINK_NETFILTER socket that never blocks on receiving.
trait Port: AsFd + Send + std::fmt::Debug {
    /// One datagram, whole.
    fn send(&self, datagram: &[u8]) -> Result<(), NixErrno>;
    /// The length of the next datagram, which is in `buffer`; EAGAIN when there is none, EMSGSIZE when
    /// it is larger.
    fn receive(&self, buffer: &mut [u8]) -> Result<usize, NixErrno>;
}

/// A socket in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    port: Box<dyn Port>,
    encoder: Encoder,
    seq: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opened the way that goes with the encoder. Needs no privilege.
    pub fn open(encoder: Encoder) -> Result<Socket, Errno> {
        let port: Box<dyn Port> = match encoder {
            #[cfg(feature = "nftnl")]
            Encoder::Nftnl => Box::new(mnl::MnlPort::open().map_err(errno)?),
            Encoder::Pure => Box::new(pure::PurePort::open().map_err(errno)?),
        };
        // Old kernels lack them; errors then say less, nothing else changes.
        let _ = set_netlink(port.as_fd(), libc::NETLINK_EXT_ACK);
        let _ = set_netlink(port.as_fd(), libc::NETLINK_CAP_ACK);
        Ok(Socket { port, encoder, seq: 1, buffer: vec![0; RECEIVE + ALIGN] })
    }

    /// A clean one in its place: answers that are still queued must not be taken for later ones. It is in
    /// the namespace of the thread that calls.
    pub fn reopen(&mut self) -> Result<(), Errno> {
        *self = Socket::open(self.encoder)?;
        Ok(())
    }

    /// Reserves `count` sequence numbers and returns the first.
    pub fn seqs(&mut self, count: usize) -> u32 {
        let first = self.seq;
        self.seq = self.seq.wrapping_add(count as u32 + 1);
        first
    }

    /// Sends one datagram: for a batch, one commit.
    pub fn send(&self, datagram: &[u8]) -> Result<(), Errno> {
        if datagram.len() > SEND_DEFAULT {
            let size = datagram.len() * 2;
            // FORCE needs CAP_NET_ADMIN in the initial user namespace; else up to wmem_max.
            if setsockopt(&self.port.as_fd(), sockopt::SndBufForce, &size).is_err() {
                let _ = setsockopt(&self.port.as_fd(), sockopt::SndBuf, &size);
            }
        }
        loop {
            match self.port.send(datagram) {
                Err(NixErrno::EINTR) => {}
                done => return done.map_err(errno),
            }
        }
    }

    /// The next datagram of answers; `None` when there is none left.
    pub fn receive(&mut self) -> Result<Option<&[u8]>, Errno> {
        let start = self.buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
        loop {
            let len = match self.port.receive(&mut self.buffer[start..start + RECEIVE]) {
                Err(NixErrno::EINTR) => continue,
                Err(NixErrno::EAGAIN) => return Ok(None),
                Err(e) => return Err(errno(e)),
                Ok(len) => len,
            };
            return self.buffer.get(start..start + len).map(Some).ok_or(Errno::MSGSIZE);
        }
    }
}

fn errno(e: NixErrno) -> Errno {
    Errno(e as i32)
}

fn set_netlink(fd: BorrowedFd<'_>, option: libc::c_int) -> Result<(), Errno> {
    let on: libc::c_int = 1;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `fd` is open for as long as it is borrowed, and `on` is a live c_int of `len` bytes
    // that the kernel only reads. JUSTIFICATION: no safe crate in the tree knows SOL_NETLINK options.
    let done = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_NETLINK, option, (&raw const on).cast(), len)
    };
    if done == 0 { Ok(()) } else { Err(errno(NixErrno::last())) }
}

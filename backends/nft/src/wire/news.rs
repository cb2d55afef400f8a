//! The socket that hears of commits: a member of the kernel's group, behind a filter.
//!
//! While anybody is in that group, a commit is told message by message: every rule, then one NEWGEN in a
//! datagram of its own. The filter lets only that one into the queue, so a commit of any size costs one
//! place in it. It is attached before the group is joined, or what comes in between would count.
use super::{RECEIVE, errno};
use crate::uapi::{NFNLGRP_NFTABLES, NFT_MSG_NEWGEN};
use chainkeeper_contract::Errno;
use nix::errno::Errno as NixErrno;
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, socket,
};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Where `nlmsg_type` is in a `nlmsghdr`.
const TYPE: u32 = 4;

/// News of one network namespace, never blocking.
#[derive(Debug)]
pub(crate) struct News {
    fd: OwnedFd,
    buffer: Vec<u8>,
}

impl News {
    /// In the calling thread's network namespace. EPERM without CAP_NET_ADMIN over it.
    pub(crate) fn open() -> Result<News, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let protocol = SockProtocol::NetlinkNetFilter;
        let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol).map_err(errno)?;
        attach(fd.as_fd(), &mut commits_only())?;
        // A member from here on.
        let group = NetlinkAddr::new(0, 1 << (NFNLGRP_NFTABLES - 1));
        bind(fd.as_raw_fd(), &group).map_err(errno)?;
        Ok(News { fd, buffer: vec![0; RECEIVE] })
    }

    /// The next datagram of the kernel's; `None` when there is none left. ENOBUFS: some were dropped,
    /// and until [`News::drain`] all others are.
    pub(crate) fn receive(&mut self) -> Result<Option<&[u8]>, Errno> {
        let len = loop {
            match recvfrom::<NetlinkAddr>(self.fd.as_raw_fd(), &mut self.buffer) {
                // Port 0 is the kernel.
                Ok((len, Some(from))) if from.pid() == 0 => break len,
                Ok(_) | Err(NixErrno::EINTR) => {}
                Err(NixErrno::EAGAIN) => return Ok(None),
                Err(e) => return Err(errno(e)),
            }
        };
        self.buffer.get(..len).map(Some).ok_or(Errno::MSGSIZE)
    }

    /// Throws away what is queued. The kernel queues nothing more after an overrun, and does not say so
    /// again, before the queue was empty once.
    pub(crate) fn drain(&mut self) -> Result<(), Errno> {
        loop {
            match self.receive() {
                Ok(None) => return Ok(()),
                Ok(Some(_)) | Err(Errno::NOBUFS) => {}
                Err(e) => return Err(e),
            }
        }
    }
}

impl AsFd for News {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Classic BPF: the whole of messages of type NEWGEN, nothing of any other.
fn commits_only() -> [libc::sock_filter; 4] {
    let step = |code: u32, (jt, jf), k| libc::sock_filter { code: code as u16, jt, jf, k };
    // BPF loads big-endian, the header has the host's order.
    let newgen = u32::from(u16::from_be_bytes(NFT_MSG_NEWGEN.to_ne_bytes()));
    [
        step(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS, (0, 0), TYPE),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, (0, 1), newgen),
        step(libc::BPF_RET | libc::BPF_K, (0, 0), u32::MAX),
        step(libc::BPF_RET | libc::BPF_K, (0, 0), 0),
    ]
}

fn attach(fd: BorrowedFd<'_>, steps: &mut [libc::sock_filter]) -> Result<(), Errno> {
    let len = u16::try_from(steps.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog { len, filter: steps.as_mut_ptr() };
    let size = size_of::<libc::sock_fprog>() as libc::socklen_t;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER);
    // SAFETY: `fd` is open for as long as it is borrowed; `program` is a live sock_fprog of `size` bytes
    // whose pointer and length are those of `steps`, borrowed until after the call. The kernel copies
    // both. JUSTIFICATION: nix has no SO_ATTACH_FILTER.
    let done = unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, option, (&raw const program).cast(), size)
    };
    if done == 0 { Ok(()) } else { Err(errno(NixErrno::last())) }
}

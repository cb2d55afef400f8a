//! The socket by system calls.
use super::Port;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

#[derive(Debug)]
pub(super) struct PurePort(OwnedFd);

impl PurePort {
    pub(super) fn open() -> Result<PurePort, Errno> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(PurePort(fd))
    }
}

impl AsFd for PurePort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Port for PurePort {
    fn send(&self, datagram: &[u8]) -> Result<(), Errno> {
        send(self.0.as_raw_fd(), datagram, MsgFlags::empty()).map(drop)
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        // MSG_TRUNC: the real length, also of what did not fit.
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        recv(self.0.as_raw_fd(), buffer, flags)
            .and_then(|len| if len > buffer.len() { Err(Errno::EMSGSIZE) } else { Ok(len) })
    }
}

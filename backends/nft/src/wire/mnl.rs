//! The socket by libmnl.
use super::Port;
use ::mnl::{Bus, Socket};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

pub(super) struct MnlPort(Socket);

// SAFETY: libmnl's socket is a descriptor and an address on the heap, used by one owner at a time.
// JUSTIFICATION: a backend is opened on one thread and worked on another; mnl wraps a bare pointer.
unsafe impl Send for MnlPort {}

impl MnlPort {
    pub(super) fn open() -> Result<MnlPort, Errno> {
        let port = MnlPort(Socket::new(Bus::Netfilter).map_err(|e| errno(&e))?);
        // libmnl sets neither; receiving takes no flags, so the descriptor has to know.
        fcntl(port.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        fcntl(port.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(port)
    }
}

impl std::fmt::Debug for MnlPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MnlPort").field(&self.0.as_raw_fd()).finish()
    }
}

impl AsFd for MnlPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket stays open for as long as `self` is borrowed. JUSTIFICATION: mnl gives the
        // raw descriptor only.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
    }
}

impl Port for MnlPort {
    /// Once for the whole batch: `send_all` would send, and so commit, it in pieces.
    fn send(&self, datagram: &[u8]) -> Result<(), Errno> {
        self.0.send(datagram).map(drop).map_err(|e| errno(&e))
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.0.recv_raw(buffer).map_err(|e| {
            let errno = errno(&e);
            // libmnl's word for a datagram that did not fit.
            if errno == Errno::ENOSPC { Errno::EMSGSIZE } else { errno }
        })
    }
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

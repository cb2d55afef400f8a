//! What the kernel says of a table without being asked for its rules: how large it is and where its
//! built-in chains begin and end.
#![allow(unsafe_code)]
use chainkeeper_contract::{Family, Table};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::os::fd::{AsRawFd, OwnedFd};

/// IPT_SO_GET_INFO and IP6T_SO_GET_INFO (`linux/netfilter_ipv4/ip_tables.h`, and of ipv6).
const GET_INFO: libc::c_int = 64;
/// XT_TABLE_MAXNAMELEN, with the NUL.
const NAME: usize = 32;

/// `valid_hooks`, where each of five built-in chains begins and where its policy is (bytes), the number
/// of entries and their size in bytes.
pub(crate) type Info = [u32; 13];

/// `struct ipt_getinfo` and `struct ip6t_getinfo`.
#[repr(C)]
struct GetInfo {
    name: [u8; NAME],
    info: Info,
}

/// What the question goes through, in the calling thread's network namespace. Needs no privilege yet.
pub(crate) fn open(family: Family) -> Result<OwnedFd, Errno> {
    let domain = match family {
        Family::Ipv4 => AddressFamily::Inet,
        Family::Ipv6 => AddressFamily::Inet6,
    };
    socket(domain, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
}

/// Asks for a table that is there: one that is not would be created, its module loaded. EPERM without
/// CAP_NET_ADMIN over the socket's namespace.
pub(crate) fn ask(socket: &OwnedFd, family: Family, table: Table) -> Result<Info, Errno> {
    let level = match family {
        Family::Ipv4 => libc::IPPROTO_IP,
        Family::Ipv6 => libc::IPPROTO_IPV6,
    };
    let mut asked = GetInfo { name: [0; NAME], info: Info::default() };
    for (to, from) in asked.name.iter_mut().zip(table.name().bytes()) {
        *to = from;
    }
    let mut len = size_of::<GetInfo>() as libc::socklen_t;
    // SAFETY: `socket` is open for as long as it is borrowed; `asked` is a live `GetInfo` of `len` bytes,
    // any bytes of which are a valid value, and `len` a live socklen_t; the kernel writes no further.
    // JUSTIFICATION: nix asks with an empty buffer only, and this question has the name in it.
    let done = unsafe {
        let (fd, to) = (socket.as_raw_fd(), (&raw mut asked).cast());
        libc::getsockopt(fd, level, GET_INFO, to, &raw mut len)
    };
    Errno::result(done).map(|_| asked.info)
}

//! Connections that the kernel tracks and does not translate: those that began while the masquerade chains
//! were missing stay so until conntrack forgets them.
//!
//! What is counted is an **upper bound**. conntrack knows which connections leave as they are, not which of
//! them should not: traffic of the host's own and between pods is rightly among them. And a connection
//! of which nobody wrote down when it began (`net.netfilter.nf_conntrack_timestamp` was off just then,
//! as it is by default) may have begun at any time. The sysctl is never changed here.
//!
//! Rooms: `read` (bytes to values, safe and total), `flow` and `flows` (what is counted), `cidr`,
//! `conntrack` (the questions). The socket is that of `chainkeeper_nft::netlink`.
#![forbid(unsafe_code)]

mod cidr;
mod conntrack;
mod flow;
mod flows;
mod read;
mod uapi;

pub use cidr::{Cidr, NotACidr};
pub use conntrack::Conntrack;
pub use flow::{Flow, Protocol};
pub use flows::{Flows, LISTED};

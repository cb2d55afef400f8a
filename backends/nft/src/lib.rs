//! nf_tables by netlink batches, in the very `ip`/`ip6` tables that iptables-nft uses.
//!
//! Rooms: `lower` (meaning to expressions), `raise` (expressions to meaning), `ops` (which messages
//! make which change), `write` (messages to bytes, by two encoders), `read` (bytes to values, safe and
//! total), `wire` (sockets), `netlink` (the door for another subsystem). `unsafe` is in `wire` and
//! `write/nftnl` only.

mod backend;
mod base;
mod compat;
mod errors;
pub mod expr;
mod lower;
pub mod netlink;
mod observe;
mod ops;
mod outline;
mod raise;
pub mod read;
mod sending;
mod uapi;
mod watch;
mod wire;
pub mod write;

pub use backend::{NftBackend, Setup};
pub use compat::Lacking;
pub use lower::{Dialect, Inexpressible, Lowered, lower};
pub use ops::Msg;
pub use raise::raise;

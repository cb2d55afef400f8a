//! nf_tables by netlink batches, in the very `ip`/`ip6` tables that iptables-nft uses.
//!
//! Rooms: `lower` (meaning to expressions), `raise` (expressions to meaning), `ops` (which messages
//! make which change), `write` (messages to bytes), `read` (bytes to values, safe and total), `wire`
//! (sockets; the only `unsafe`).

mod backend;
mod base;
mod errors;
pub mod expr;
mod lower;
mod observe;
mod ops;
mod outline;
mod raise;
pub mod read;
mod uapi;
mod wire;
pub mod write;

pub use backend::NftBackend;
pub use base::OWNERSHIP_MARK;
pub use lower::lower;
pub use ops::Msg;
pub use raise::raise;

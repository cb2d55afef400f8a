//! The legacy backend: x_tables, by the host's own iptables-legacy-save and iptables-legacy-restore.
//!
//! The tools print and write; what is decided in between is the contract's. A rule of somebody else is
//! never written again: every change names a rule of ours by its text, or a place by its number.
#![deny(unsafe_code)] // but for one getsockopt, in `info`

mod backend;
mod child;
mod errors;
mod host;
mod info;
mod lock;
mod reader;
mod render;
mod saves;
mod tools;
mod watch;

pub use backend::{LIMIT, LegacyBackend, Setup};
pub use host::{Names, listed};
pub use tools::{Plain, Tools, plain};

//! A door for other subsystems of nfnetlink: the socket, what puts a request together, what takes answers
//! apart. Nothing in here knows of nf_tables.
//!
//! The one that uses it is conntrack. A request is a [`Buffer`] of one message with [`Socket::seqs`] for
//! its number; then [`Socket::send`], and [`Socket::receive`] with [`Messages`] until it is answered.
//! After an error answers may still be queued: [`Socket::reopen`].

pub use crate::read::{Attr, Attrs, Body, Malformed, Message, Messages};
pub use crate::wire::Socket;
pub use crate::write::{Buffer, Encoder};

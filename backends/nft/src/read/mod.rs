//! Bytes to values. Safe and total: any bytes give a value or [`Malformed`], never a panic.
mod attr;
mod expr;
mod message;
mod object;

pub use attr::{Attr, Attrs};
pub use message::{Body, Message, Messages};
pub use object::{ChainMsg, CommitMsg, RuleMsg, TableMsg, chain, commit, generation, rule, table};

/// What is wrong with a piece of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

//! The iptables-save text form: printed for people, parsed for tests and for legacy.
mod parse;
mod print;
mod words;

pub use parse::{Line, ParseError, Save, parse_save, parse_spec};
pub use print::save;
pub use words::split;

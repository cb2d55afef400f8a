//! The iptables-save text form: printed for people, parsed for tests and for legacy.
mod outline;
mod print;
mod save;
mod spec;
mod words;

pub use outline::{jumps_to, outline};
pub use print::save;
pub use save::{ParseError, Printed, Save, parse_save};
pub use spec::{Line, parse_spec};
pub use words::split;

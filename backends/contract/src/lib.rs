//! What a backend is, without being one.
//!
//! `Ruleset` says what one family should hold, `Observed` what it holds, [`diff()`] what to do about
//! it, and a [`Backend`] does exactly that. Everything here is pure: no I/O, no clock, no `unsafe`,
//! no byte of any encoding.
#![forbid(unsafe_code)]

mod backend;
pub mod diff;
mod error;
mod meaning;
mod names;
mod observed;
mod plan;
mod rule;
mod ruleset;
mod scope;
pub mod targets;
mod teardown;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod trace;
mod walk;
mod watch;

pub use backend::{Applied, Backend, Created, Survey};
pub use diff::{CanaryPolicy, Delta, JumpPosition, Note, Options, Problem, Readable, diff};
pub use error::{BackendError, Errno, ErrorKind, Lack, Misplaced};
pub use names::{ChainName, Family, Handle, Hook, Table};
pub use observed::{
    BaseChain, ChainSeen, Counters, End, Observed, Outline, Reference, RuleSeen, Seen, Snapshot,
    TableSeen,
};
pub use plan::{Place, Plan, Step, Why};
pub use rule::{Action, Cond, CtStates, Mark, Matches, Prefix, Rule};
pub use ruleset::{Canary, Chain, Jump, Partner, Ruleset};
pub use scope::Scope;
pub use teardown::teardown;
pub use trace::trace;
pub use walk::{WALK_LIMIT, needed};
pub use watch::{Pace, Signal, Watch, Way, Writer};

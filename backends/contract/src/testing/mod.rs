//! For tests of any backend: an honest fake kernel, a world to break things in, and the conformance
//! suite that fake and kernel both run. No dependencies.
pub mod conformance;
mod dice;
mod fake;
mod random;
mod sample;
mod script;
mod tables;

pub use conformance::{Case, World, converge, random_drift};
pub use dice::Dice;
pub use fake::Fake;
#[cfg(test)]
pub(crate) use random::rule as random_rule;
pub use random::{Outside, drift, ruleset};
pub use sample::{big_restore, every_conntrack, full};
pub use script::{Record, play};

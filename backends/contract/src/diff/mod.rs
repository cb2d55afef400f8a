//! What is wanted against what is there: pure, and in one direction.
//!
//! Goals, and what serves them:
//! 1. *Converge in one step*: chains before rules, rules before jumps, so one plan is enough.
//! 2. *Others' rules are sacred*: every removal is by handle, of a rule equal in meaning to ours.
//! 3. *Idle is silent*: a chain whose rules occur in order, with nothing harmful between, is left.
//! 4. *Nobody is fought*: a chain that differs only in the mark bit and is not provably ours to
//!    change is reported, not rewritten.
mod canary;
mod chain;
mod jump;
mod note;
mod readable;

pub use note::{Note, Problem};
pub use readable::Readable;

use crate::names::Table;
use crate::observed::Observed;
use crate::plan::Step;
use crate::ruleset::Ruleset;

/// What to do about a jump that some packets do not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum JumpPosition {
    /// Report it (a jump that *no* packet reaches is moved all the same).
    #[default]
    Keep,
    /// Move it to the first place.
    First,
}

/// What to do about a missing canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CanaryPolicy {
    /// Write it: one-shot `apply`, first pass of `run`.
    #[default]
    Write,
    /// Write our own, but leave a missing `KUBE-KUBELET-CANARY` and say so: it is another program's
    /// smoke alarm. Later passes of `run`.
    Wait,
    /// Only say so. A canary alone is never drift.
    Report,
}

/// How to decide where the ruleset alone does not say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// See [`JumpPosition`].
    pub jumps: JumpPosition,
    /// See [`CanaryPolicy`].
    pub canary: CanaryPolicy,
    /// A kube-proxy was seen: it refills some of our chains itself.
    pub kube_proxy: bool,
    /// See [`Readable`].
    pub readable: Readable,
}

/// The difference of one family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Delta {
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What to know.
    pub notes: Vec<Note>,
    /// What is wrong and stays so.
    pub problems: Vec<Problem>,
}

impl Delta {
    /// Nothing to do and nothing wrong.
    pub fn in_sync(&self) -> bool {
        self.steps.is_empty() && self.problems.is_empty()
    }
}

/// What to do so that `seen` becomes `want`.
pub fn diff(want: &Ruleset, seen: &Observed, options: Options) -> Delta {
    let mut delta = Delta::default();
    for table in Table::ALL {
        if let Some(problem) = blocked(table, seen) {
            let concerned = want.chains.iter().any(|c| c.table == table)
                || want.canaries.iter().any(|c| c.table == table);
            delta.problems.extend(concerned.then_some(problem));
            continue;
        }
        if let Some(problem) = readable::table(want, seen, table, options, &mut delta) {
            delta.problems.push(problem);
            continue;
        }
        let mut steps = Delta::default();
        canary::table(want, seen, table, options, &mut steps);
        for chain in want.chains.iter().filter(|c| c.table == table) {
            chain::create(chain, seen, &mut steps);
        }
        for chain in want.chains.iter().filter(|c| c.table == table) {
            chain::rules(chain, seen, options, &mut steps);
        }
        jump::table(want, seen, table, options, &mut steps);
        if !steps.steps.is_empty() && !seen.tables.contains_key(&table) {
            delta.steps.push(Step::EnsureTable { table });
        }
        delta.steps.append(&mut steps.steps);
        delta.notes.append(&mut steps.notes);
        delta.problems.append(&mut steps.problems);
    }
    delta
}

/// A table that we cannot or must not write to. A dormant table would take our rules and hook none.
fn blocked(table: Table, seen: &Observed) -> Option<Problem> {
    let found = seen.tables.get(&table)?;
    match found.owner {
        Some(port) => Some(Problem::Owned { table, port }),
        None => found.dormant.then_some(Problem::Dormant { table }),
    }
}

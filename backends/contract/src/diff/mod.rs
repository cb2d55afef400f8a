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
mod readable;

pub use readable::Readable;

use crate::names::{ChainName, Table};
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

/// Something worth knowing that needs no change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Note {
    /// Foreign rules in one of our chains, kept where they are: how many before, among, after ours.
    Foreign {
        /// The chain's table.
        table: Table,
        /// The chain.
        chain: ChainName,
        /// Before our first rule.
        before: usize,
        /// Among ours, harmless.
        among: usize,
        /// After our last rule.
        after: usize,
    },
    /// Some packets end before they reach our jump, at this rule.
    Shadowed {
        /// The table.
        table: Table,
        /// The built-in chain.
        chain: ChainName,
        /// Where we jump to.
        to: ChainName,
        /// The rule that ends them.
        by: String,
    },
    /// Whether packets reach our jump was not worked out.
    NotJudged {
        /// The table.
        table: Table,
        /// The built-in chain.
        chain: ChainName,
        /// Where we jump to.
        to: ChainName,
        /// Why not.
        why: String,
    },
    /// A rule that we leave keeps iptables-nft from reading the table.
    Unreadable {
        /// The table.
        table: Table,
        /// The rule.
        by: String,
    },
    /// Native rules (ours by force, or some that were there) keep iptables-nft from reading somebody
    /// else's.
    Hides {
        /// The table.
        table: Table,
        /// The first of those.
        rule: String,
    },
    /// A canary is missing and waits.
    PendingCanary {
        /// The table.
        table: Table,
        /// The canary.
        chain: ChainName,
    },
    /// A chain that tells others which backend this host uses is not written: nobody told us.
    Withheld {
        /// The table.
        table: Table,
        /// The hint.
        chain: ChainName,
    },
    /// `remove` leaves a chain.
    Kept {
        /// The table.
        table: Table,
        /// The chain.
        chain: ChainName,
        /// Why.
        why: String,
    },
}

/// Something wrong that we must not mend: not in sync, and nothing to be written about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Problem {
    /// The table is dormant: its base chains hook nothing.
    Dormant {
        /// The table.
        table: Table,
    },
    /// Another process owns the table: only it may write.
    Owned {
        /// The table.
        table: Table,
        /// The owner's netlink port.
        port: u32,
    },
    /// Our rules would keep iptables-nft from reading somebody else's.
    Neighbour {
        /// The table.
        table: Table,
        /// The first of those.
        rule: String,
    },
    /// A table without neighbours is left alone because `by` is: half of our rules would be marks that
    /// nobody acts on.
    HeldBack {
        /// The table.
        table: Table,
        /// The table that is left alone.
        by: Table,
    },
    /// A chain with a built-in name is defined otherwise than iptables defines it.
    OddHook {
        /// The table.
        table: Table,
        /// The chain.
        chain: ChainName,
        /// How it is defined.
        found: String,
    },
    /// A chain with one of our names is a base chain of somebody else: nothing can jump to it.
    BaseChain {
        /// The table.
        table: Table,
        /// The chain.
        chain: ChainName,
        /// How it is defined.
        found: String,
    },
    /// Another program keeps the same rules with another mark bit.
    OtherBit {
        /// The table.
        table: Table,
        /// The chain.
        chain: ChainName,
        /// Their rule.
        theirs: String,
    },
}

impl Problem {
    /// The table it is about.
    pub fn table(&self) -> Table {
        match self {
            Problem::Dormant { table }
            | Problem::Owned { table, .. }
            | Problem::Neighbour { table, .. }
            | Problem::HeldBack { table, .. }
            | Problem::OddHook { table, .. }
            | Problem::BaseChain { table, .. }
            | Problem::OtherBit { table, .. } => *table,
        }
    }
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

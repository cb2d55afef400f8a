//! What to do, as a value that a person can read before it runs.
use crate::names::{ChainName, Family, Handle, Hook, Table};
use crate::rule::Rule;
use std::collections::BTreeMap;

/// Where new rules go in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Place {
    /// Before every other rule.
    First,
    /// After every other rule.
    Last,
    /// Directly before the rule of that handle.
    Before(Handle),
}

/// Why a chain or jump is rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Why {
    /// The chain (or jump) is not there.
    Absent,
    /// Some of our rules are missing; how many.
    Missing(usize),
    /// All are there, in another order.
    Order,
    /// This foreign rule stands between ours and can change the outcome.
    Between(String),
    /// Our own rules of an earlier configuration, with another mark bit.
    OtherBit,
    /// Our own rules in a form that iptables-nft cannot read, and that is not asked for (any more).
    Unreadable,
    /// This rule before the jump ends every packet (or, if asked, some).
    Unreached(String),
}

/// One change. Every rule that goes is named by handle.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Step {
    /// Create a table that was just seen missing.
    EnsureTable {
        /// Which.
        table: Table,
    },
    /// Create a built-in chain that was just seen missing.
    EnsureHook {
        /// Its table.
        table: Table,
        /// Which.
        hook: Hook,
    },
    /// Create a user chain, with our mark on it.
    CreateChain {
        /// Its table.
        table: Table,
        /// Its name.
        chain: ChainName,
    },
    /// Remove our rules of a chain and put all of them in anew, in order, in the same commit.
    Rewrite {
        /// Its table.
        table: Table,
        /// The chain.
        chain: ChainName,
        /// Our rules as they are now.
        remove: Vec<Handle>,
        /// Our rules as they should be.
        insert: Vec<Rule>,
        /// For each of `insert`: true when it is not there now.
        new: Vec<bool>,
        /// Where they go, relative to foreign rules.
        place: Place,
        /// The reason.
        why: Why,
    },
    /// Put a jump into a built-in chain.
    Insert {
        /// Its table.
        table: Table,
        /// The built-in chain.
        hook: Hook,
        /// The jump.
        rule: Rule,
        /// Where.
        place: Place,
        /// The reason.
        why: Why,
    },
    /// Remove one rule.
    Remove {
        /// Its table.
        table: Table,
        /// Its chain.
        chain: ChainName,
        /// Which.
        handle: Handle,
        /// What it says, for people.
        rule: Rule,
    },
    /// Delete a chain that is empty by now and that nobody jumps to.
    DeleteChain {
        /// Its table.
        table: Table,
        /// Its name, for people and for a fake.
        chain: ChainName,
        /// Which object.
        handle: Handle,
    },
}

impl Step {
    /// The table the step is about.
    pub fn table(&self) -> Table {
        match self {
            Step::EnsureTable { table }
            | Step::EnsureHook { table, .. }
            | Step::CreateChain { table, .. }
            | Step::Rewrite { table, .. }
            | Step::Insert { table, .. }
            | Step::Remove { table, .. }
            | Step::DeleteChain { table, .. } => *table,
        }
    }
}

impl std::fmt::Display for Step {
    /// The step in words, as errors name it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::EnsureTable { table } => write!(f, "create table {table}"),
            Step::EnsureHook { table, hook } => write!(f, "create base chain {table} {hook}"),
            Step::CreateChain { table, chain } => write!(f, "create chain {table} {chain}"),
            Step::Rewrite { table, chain, .. } => write!(f, "write rules of {table} {chain}"),
            Step::Insert { table, hook, rule, .. } => write!(f, "insert in {table} {hook}: {rule}"),
            Step::Remove { table, chain, rule, .. } => {
                write!(f, "remove from {table} {chain}: {rule}")
            }
            Step::DeleteChain { table, chain, .. } => write!(f, "delete chain {table} {chain}"),
        }
    }
}

/// Steps for both families, to be committed as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Plan {
    /// The generation the plan was made on; the commit is refused on any other.
    pub generation: Option<u32>,
    /// Steps in order, each family apart.
    pub families: BTreeMap<Family, Vec<Step>>,
}

impl Plan {
    /// True when there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.families.values().all(Vec::is_empty)
    }
}

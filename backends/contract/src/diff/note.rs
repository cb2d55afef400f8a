//! What a difference has to say beside its steps.
use crate::names::{ChainName, Table};

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

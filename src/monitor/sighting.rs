//! What the monitor sees, and what it says.
use crate::damage::{ChainKey, Damage, Selection};
use chainkeeper_contract::Family;
use std::collections::BTreeSet;
use std::time::Duration;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// Nothing but the time.
    Time,
    /// Somebody has written; the generation, where there is one.
    Commit(Option<u32>),
    /// News were lost.
    Lost,
    /// What became of the last decision.
    Findings(Findings),
    /// Write nothing for so long.
    Pause(Duration),
    /// Write again.
    Resume,
}

/// What a look or a write came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The generation at its end, where there is one.
    pub generation: Option<u32>,
    /// Commits of ours before that.
    pub commits: u32,
    /// What those made of the generation, where there is one. Others may have come in between, and after.
    pub ours: BTreeSet<u32>,
    /// Something else is wanted than in the look before: what is missing of it was taken by nobody.
    pub wants_else: bool,
    /// What was missing when it looked.
    pub found: Damage,
    /// What is missing after it.
    pub left: Damage,
    /// Families that could not be read.
    pub unread: BTreeSet<Family>,
    /// Nothing could be done at all; `unread` has every family then.
    pub failed: bool,
    /// Families in which KUBE-KUBELET-CANARY is missing somewhere.
    pub canaries: BTreeSet<Family>,
    /// A canary of our own is missing: it comes back with the next pass.
    pub own_canary: bool,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing until then, or until something is sighted. `None`: until something is sighted.
    Rest(Option<Duration>),
    /// Look at the chains.
    Look,
    /// Look at the chains and at what tells of others.
    Pass,
    /// Write what is missing, and the canaries of these families.
    Write {
        /// Of these chains alone: with what else is found missing, somebody may be busy.
        chains: Selection,
        /// Families whose KUBE-KUBELET-CANARY is written, too.
        canaries: BTreeSet<Family>,
    },
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// More is missing than before.
    Damaged {
        /// Chains that are kept.
        kept: bool,
        /// Before, nothing was missing.
        first: bool,
    },
    /// It was mended.
    Mended {
        /// What, as it was at worst.
        damage: Damage,
        /// The first commit that may have taken it.
        since: Duration,
        /// So long was no commit when it was written.
        quiet: Duration,
    },
    /// The writer is done, and it would be mended if it was kept.
    WouldMend {
        /// What.
        damage: Damage,
        /// The first commit that may have taken it.
        since: Duration,
        /// So long was no commit.
        quiet: Duration,
    },
    /// Nothing is missing any more, and it was not we.
    Returned {
        /// Chains that are kept.
        kept: bool,
        /// The first commit that may have taken it.
        since: Duration,
        /// What was missing at worst.
        damage: Damage,
    },
    /// A chain is left as others want it.
    Yielded {
        /// Which.
        chain: ChainKey,
        /// So often was it undone.
        rounds: u32,
        /// It is tried again after so long.
        again: Duration,
    },
    /// A chain that was yielded was mended, and nobody has undone it.
    Recovered {
        /// Which.
        chain: ChainKey,
    },
    /// The pause is over by itself.
    PauseEnded,
}

//! How the service is, as data: told over its socket, printed by `status`.
use crate::damage::ChainKey;
use crate::policy::Counts;
use crate::reconcile::Counted;
use chainkeeper_contract::{Family, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// All that `status` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the service.
    pub version: String,
    /// Its process id, in its own pid namespace.
    pub pid: u32,
    /// The backend in use.
    pub backend: String,
    /// Why.
    pub why: String,
    /// How others' commits are heard of: `events`, `asked`, or why not at all.
    pub watch: String,
    /// Milliseconds since it started.
    pub up_ms: u64,
    /// Of the last look, where there is one.
    pub generation: Option<u32>,
    /// Milliseconds since the last look that could read something.
    pub looked_ms: Option<u64>,
    /// Which chains are written.
    pub keep: String,
    /// Each family and table.
    pub families: BTreeMap<Family, BTreeMap<Table, TableState>>,
    /// Why a family could not be read or written.
    pub errors: Vec<String>,
    /// What is wrong and not ours to mend, in words.
    pub problems: Vec<String>,
    /// What our rules had counted at the last look.
    #[serde(default)]
    pub counters: Vec<Counted>,
    /// Chains that are left to others.
    pub yielded: Vec<YieldedChain>,
    /// Nothing is written for so many milliseconds more.
    pub paused_ms: Option<u64>,
    /// The worker has been on its present order for so many milliseconds; `None` while it has none.
    #[serde(default)]
    pub busy_ms: Option<u64>,
    /// An order takes at most so many: see [`crate::worker::longest`]. Of the service's own
    /// configuration, which whoever asks may not have.
    #[serde(default = "unknown")]
    pub busy_most_ms: u64,
    /// Repairs and gaps of the last 24 hours.
    pub day: Day,
}

/// How a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    /// Nothing is missing.
    InSync,
    /// Something of it is only watched, and missing.
    Watched,
    /// A chain of it is left to others.
    Yielded,
    /// Something is missing, or wrong and not ours to mend.
    Drifted,
    /// It could not be read or written.
    Failed,
}

/// A chain that is left to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct YieldedChain {
    /// Which.
    #[serde(flatten)]
    pub chain: ChainKey,
    /// Who undid it last, in words.
    pub by: String,
    /// How often it was undone.
    pub rounds: u32,
    /// It is tried again in so many milliseconds.
    pub again_ms: u64,
}

/// The last 24 hours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// How often something was repaired.
    pub repairs: usize,
    /// The gap that half of them stayed below, in milliseconds.
    pub gap_p50_ms: f64,
    /// The longest.
    pub gap_max_ms: f64,
    /// Who took something, in words, and how often.
    pub by: BTreeMap<String, usize>,
}

impl TableState {
    /// Nothing that is kept is missing.
    pub fn is_fine(self) -> bool {
        self <= TableState::Watched
    }
}

/// Of a service that does not tell.
fn unknown() -> u64 {
    u64::MAX
}

/// Has the worker been on its order for longer than can be? The one answer for the service manager's
/// watchdog and for everybody's probes.
pub fn hangs(busy: Option<Duration>, most: Duration) -> bool {
    busy.is_some_and(|busy| busy > most)
}

impl Status {
    /// False when only a restart helps: the worker hangs. What cannot be read or written does not make it
    /// false, nor what is missing: a restart would not mend that.
    pub fn is_alive(&self) -> bool {
        let most = Duration::from_millis(self.busy_most_ms);
        !hangs(self.busy_ms.map(Duration::from_millis), most)
    }

    /// It is alive, and could read something since it started.
    pub fn works(&self) -> bool {
        self.is_alive() && self.looked_ms.is_some()
    }

    /// What all rules of a kind have counted; `None` where there is none.
    pub fn packets(&self, kind: Counts) -> Option<u64> {
        let of = self.counters.iter().filter(|c| c.counts == kind).map(|c| c.packets);
        of.reduce(u64::saturating_add)
    }

    /// Nothing is missing or wrong anywhere.
    pub fn in_sync(&self) -> bool {
        self.errors.is_empty()
            && self.families.values().flat_map(BTreeMap::values).all(|s| s.is_fine())
    }
}

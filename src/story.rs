//! What happened, as data: kept by `run`, told over its socket, printed by `events`.
use crate::culprit::Culprit;
use crate::damage::{ChainKey, Damage, Loss};
use serde::{Deserialize, Serialize};

/// One entry of the story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up from 1 while the service runs.
    pub number: u64,
    /// When it began: milliseconds since 1970 (wall clock).
    pub at_ms: u64,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
}

impl Event {
    /// Who did it.
    pub fn by(&self) -> &[Suspects] {
        match &self.what {
            What::Gap(Gap { by, .. }) | What::Yielded { by, .. } => by,
            What::Flows(_)
            | What::Recovered { .. }
            | What::Paused { .. }
            | What::Resumed { .. } => &[],
        }
    }
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// Something was missing for a while.
    Gap(Gap),
    /// A chain is left as others want it.
    Yielded {
        /// Which.
        chain: ChainKey,
        /// Who undid it last.
        by: Vec<Suspects>,
        /// How often.
        rounds: u32,
        /// It is tried again after so long.
        again_ms: u64,
    },
    /// Connections that began in a gap without source translation.
    Flows(GapFlows),
    /// A chain that was yielded is kept again.
    Recovered {
        /// Which.
        chain: ChainKey,
    },
    /// Nothing is written until it ends.
    Paused {
        /// For so long at most.
        for_ms: u64,
    },
    /// Writing goes on.
    Resumed {
        /// The time was up; nobody asked.
        by_itself: bool,
    },
}

/// From the first loss until nothing is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Who took it: one for each time that more was missing.
    pub by: Vec<Suspects>,
    /// Commits of others from the first loss until it was mended, where they can be counted.
    pub commits: Option<u32>,
    /// What was missing at worst.
    pub took: Vec<Taken>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Connections that began in a gap and have no source translation: an upper bound of those that needed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapFlows {
    /// The number of the gap's event.
    pub of: u64,
    /// All of them.
    pub without_translation: usize,
    /// Of these, those of which nobody wrote down when they began
    /// (`net.netfilter.nf_conntrack_timestamp`).
    pub unknown_start: usize,
    /// The first of them.
    pub first: Vec<String>,
    /// Those that were ended (`--heal-flows`).
    pub ended: usize,
}

/// What was missing of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The chain.
    #[serde(flatten)]
    pub key: ChainKey,
    /// What of it.
    #[serde(flatten)]
    pub loss: Loss,
}

/// One of these did it. If it is one, it was that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspects {
    /// All who committed between the look that found it whole and the one that did not.
    pub any_of: Vec<Culprit>,
    /// Some of those commits were not told of.
    pub incomplete: bool,
}

impl Suspects {
    /// The name of the one who did it, where it can have been nobody else.
    pub fn alone(&self) -> Option<&str> {
        match &self.any_of[..] {
            [alone] if !self.incomplete => alone.name.as_deref(),
            _ => None,
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// By our repair.
    Repaired {
        /// So long nobody had committed then.
        quiet_ms: f64,
        /// So long the repair took.
        took_ms: f64,
        /// From the first commit that may have taken it until a look had shown it.
        detected_ms: Option<f64>,
        /// So long it was missing.
        gap_ms: f64,
    },
    /// We would have repaired it, but it is only watched.
    WouldRepair {
        /// So long nobody had committed then.
        quiet_ms: f64,
    },
    /// Somebody put it back.
    Returned {
        /// So long it was missing.
        gap_ms: f64,
    },
}

/// The parts of a damage, in order.
pub fn taken(damage: &Damage) -> Vec<Taken> {
    let one = |(key, loss): (&ChainKey, &Loss)| Taken { key: key.clone(), loss: loss.clone() };
    damage.0.iter().map(one).collect()
}

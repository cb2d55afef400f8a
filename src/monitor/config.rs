//! What a person may set about the monitor.
use super::Keep;
use std::time::Duration;

/// The settings of the monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorConfig {
    /// So long without a commit, and a writer counts as done.
    pub settle: Duration,
    /// So long after the damage it is mended all the same.
    pub bound: Duration,
    /// How often everything is looked at without a reason.
    pub sync_period: Duration,
    /// Which chains are written; the others are watched.
    pub keep: Keep,
    /// Go on against somebody who keeps undoing it, at the pace of `settle`.
    pub insist: bool,
    /// A chain undone so often is yielded.
    pub rounds: u32,
    /// Undone this soon after our repair, it counts.
    pub window: Duration,
    /// The first time for which a chain is yielded; each further one is twice as long.
    pub yield_for: Duration,
    /// How long KUBE-KUBELET-CANARY is left missing: a live kubelet polls it every 60 s, has to see that it
    /// is gone, and makes it again.
    pub canary_wait: Duration,
}

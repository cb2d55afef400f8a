//! Every metric: its name, labels, meaning (the HELP text), what to do when it is bad, and where its values
//! come from. What is served and `docs/metrics.md` come from here.
mod process;
mod rows;

use super::Metrics;
use super::now::Now;
use super::text::Values;
pub(crate) use process::*;
pub(crate) use rows::*;

/// What kind of metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only rises while the service runs.
    Counter,
    /// How it is now.
    Gauge,
    /// Lengths of time, sorted by these bounds (seconds).
    Histogram(&'static [f64]),
}

/// Where the values of a metric come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// They are counted by name and labels.
    Counted,
    /// They are counted elsewhere.
    Kept(fn(&Metrics) -> Values),
    /// From how it is now.
    Now(fn(&Now<'_>) -> Values),
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As it is served.
    pub name: &'static str,
    /// What kind.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
    /// What to do when it is bad; empty where it cannot be.
    pub remedy: &'static str,
    pub(super) source: Source,
}

/// All, in the order in which they are served.
pub static TABLE: [&Row; 38] = [
    &BUILD_INFO,
    &BACKEND_INFO,
    &MIXED_HOST,
    &OBSERVE,
    &IN_SYNC,
    &MISSING,
    &LOSSES,
    &REPAIRS,
    &WOULD_REPAIRS,
    &RETURNS,
    &GAP_SECONDS,
    &DETECTION_SECONDS,
    &REPAIR_SECONDS,
    &COMMITS,
    &COMMIT_RESTARTS,
    &LOOKS,
    &LAST_LOOK,
    &OVERRUNS,
    &YIELDS,
    &YIELDED_CHAINS,
    &PAUSES,
    &PAUSED,
    &ERRORS,
    &GENERATION,
    &RULE_PACKETS,
    &RULE_BYTES,
    &GAP_FLOWS,
    &GAP_FLOWS_ENDED,
    &CULPRITS,
    &CONFIG_RELOADS,
    &CONFIG_LAST_RELOAD,
    &PROCESS_CPU,
    &PROCESS_FDS,
    &PROCESS_MAX_FDS,
    &PROCESS_VIRTUAL,
    &PROCESS_RESIDENT,
    &PROCESS_START,
    &PROCESS_THREADS,
];

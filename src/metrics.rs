//! What is counted while the service runs, for Prometheus. Pure: what happened comes in, text goes out.
//!
//! Every count comes from what the service tells or does, here in one place; what is a matter of now comes
//! from its status when somebody asks (`now`). `table` has every metric, with what it means.
mod culprits;
mod gaps;
mod now;
mod page;
mod process;
mod table;
mod text;

pub use now::Now;
pub use page::page as documented;
pub use process::Usage;
pub use table::{Kind, Row, TABLE};
pub use text::Form;

use crate::reconcile::Look;
use crate::story::{Event, What};
use crate::switch::Passes;
use chainkeeper_contract::{BackendError, ErrorKind, Family, Table};
use culprits::Culprits;
use gaps::Watched;
use prometheus_client::metrics::histogram::Histogram;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    Glance,
    Pass,
    Write,
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    counts: BTreeMap<(&'static str, Vec<String>), u64>,
    gaps: Histogram,
    repairs: Histogram,
    detections: Histogram,
    culprits: Culprits,
    watched: Watched,
    /// The last reload was refused.
    refused: bool,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let histogram = |row: &Row| match row.kind {
            Kind::Histogram(bounds) => Histogram::new(bounds.iter().copied()),
            Kind::Counter | Kind::Gauge => Histogram::new([]),
        };
        Metrics {
            counts: BTreeMap::new(),
            gaps: histogram(&table::GAP_SECONDS),
            repairs: histogram(&table::REPAIR_SECONDS),
            detections: histogram(&table::DETECTION_SECONDS),
            culprits: Culprits::default(),
            watched: Watched::default(),
            refused: false,
        }
    }
}

impl Metrics {
    /// Something happened, and is told.
    pub fn event(&mut self, event: &Event) {
        match &event.what {
            What::Gap(gap) => self.gap(gap),
            What::Yielded { chain, .. } => {
                let labels = [chain.family.to_string(), chain.table.to_string()];
                self.add(&table::YIELDS, [&labels[..], &[chain.chain.to_string()]].concat(), 1);
            }
            What::Flows(flows) => {
                self.add(&table::GAP_FLOWS, vec![], flows.without_translation as u64);
                self.add(&table::GAP_FLOWS_ENDED, vec![], flows.ended as u64);
            }
            What::Paused { .. } => self.add(&table::PAUSES, vec![], 1),
            What::Resumed { .. } | What::Recovered { .. } => {}
        }
    }

    /// The chains were looked at.
    pub fn glanced(&mut self, look: &Result<Look, BackendError>) {
        self.looked(Looked::Glance);
        match look {
            Ok(look) => {
                look.families.values().filter_map(|o| o.as_ref().err()).for_each(|e| self.failed(e))
            }
            Err(error) => self.failed(error),
        }
    }

    /// A pass was made, to write or not. It made so many commits where it keeps the chains, and `restarts`
    /// times somebody was faster than it.
    pub fn synced(
        &mut self,
        writes: bool,
        commits: u32,
        restarts: u32,
        kept: &Result<Passes, BackendError>,
    ) {
        self.looked(if writes { Looked::Write } else { Looked::Pass });
        self.add(&table::COMMIT_RESTARTS, vec![], restarts.into());
        let mut all = commits;
        match kept {
            Ok(done) => {
                all += done.swept().and_then(|p| p.applied.as_ref()).map_or(0, |a| a.commits);
                done.pass.errors().chain(done.other_errors()).for_each(|error| self.failed(error));
            }
            Err(error) => self.failed(error),
        }
        self.add(&table::COMMITS, vec![], all.into());
    }

    fn looked(&mut self, how: Looked) {
        self.add(&table::LOOKS, vec![word(how).into()], 1);
    }

    /// News were lost.
    pub fn overrun(&mut self) {
        self.add(&table::OVERRUNS, vec![], 1);
    }

    fn failed(&mut self, error: &BackendError) {
        self.add(&table::ERRORS, vec![kind(error).into()], 1);
    }

    /// The configuration was read anew.
    pub fn reloaded(&mut self, well: bool) {
        self.refused = !well;
        self.add(&table::CONFIG_RELOADS, vec![result(well).into()], 1);
    }

    /// The last reload was refused.
    pub fn refused(&self) -> bool {
        self.refused
    }

    fn add(&mut self, row: &'static Row, labels: Vec<String>, count: u64) {
        let sum = self.counts.entry((row.name, labels)).or_default();
        *sum = sum.saturating_add(count);
    }

    fn add_table(&mut self, row: &'static Row, (family, table): (Family, Table)) {
        self.add(row, vec![family.to_string(), table.to_string()], 1);
    }
}

fn word(how: Looked) -> &'static str {
    match how {
        Looked::Glance => "glance",
        Looked::Pass => "pass",
        Looked::Write => "write",
    }
}

fn result(well: bool) -> &'static str {
    if well { "success" } else { "failure" }
}

/// Every word of [`kind`].
const KINDS: [&str; 6] = ["busy", "denied", "garbled", "lock", "refused", "unsupported"];

/// What went wrong, in one word.
fn kind(error: &BackendError) -> &'static str {
    let of = |kind: ErrorKind| match kind {
        ErrorKind::Busy => "busy",
        ErrorKind::Denied => "denied",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Refused => "refused",
    };
    match error {
        BackendError::Garbled { .. } => "garbled",
        BackendError::Lock { .. } => "lock",
        BackendError::Busy { .. }
        | BackendError::Denied { .. }
        | BackendError::Unsupported { .. }
        | BackendError::NoExtension { .. }
        | BackendError::NotAsked { .. }
        | BackendError::Refused { .. }
        | BackendError::NoBackend { .. }
        | BackendError::Failed { .. } => of(error.kind()),
    }
}

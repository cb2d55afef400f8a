//! An event of the story as one line of the journal, with its facts as fields. Command lines are none of them.
use crate::damage::ChainKey;
use crate::report;
use crate::story::{Event, Outcome, What};
use std::collections::BTreeSet;
use tracing::{info, warn};

/// Chains that are named in one line; more are counted.
const NAMED: usize = 20;

/// What an event has of this.
#[derive(Debug, Default)]
struct Facts {
    event: &'static str,
    outcome: Option<&'static str>,
    families: Option<String>,
    chains: Option<String>,
    by: Option<String>,
    commits: Option<u32>,
    quiet_ms: Option<f64>,
    took_ms: Option<f64>,
    gap_ms: Option<f64>,
    detected_ms: Option<f64>,
    rounds: Option<u32>,
    again_ms: Option<u64>,
    for_ms: Option<u64>,
    flows: Option<u64>,
}

/// Says it.
pub fn told(event: &Event) {
    let (line, number, f) = (report::event_line(event), event.number, Facts::of(&event.what));
    macro_rules! say {
        ($level:ident) => {
            $level!(
                event = f.event,
                number,
                outcome = f.outcome,
                families = f.families,
                chains = f.chains,
                by = f.by,
                commits = f.commits,
                quiet_ms = f.quiet_ms,
                took_ms = f.took_ms,
                gap_ms = f.gap_ms,
                detected_ms = f.detected_ms,
                rounds = f.rounds,
                again_ms = f.again_ms,
                for_ms = f.for_ms,
                flows = f.flows,
                "{line}"
            )
        };
    }
    match &event.what {
        What::Yielded { .. } => say!(warn),
        What::Gap(_)
        | What::Flows(_)
        | What::Recovered { .. }
        | What::Paused { .. }
        | What::Resumed { .. } => say!(info),
    }
}

impl Facts {
    fn of(what: &What) -> Facts {
        match what {
            What::Gap(gap) => {
                let facts = Facts::about("gap", gap.took.iter().map(|taken| &taken.key));
                let by = Some(report::who(&gap.by));
                Facts { by, commits: gap.commits, ..facts }.ended(&gap.outcome)
            }
            What::Yielded { chain, by, rounds, again_ms } => {
                let (by, rounds) = (Some(report::who(by)), Some(*rounds));
                let again_ms = Some(*again_ms);
                Facts { by, rounds, again_ms, ..Facts::about("yielded", [chain]) }
            }
            What::Recovered { chain } => Facts::about("recovered", [chain]),
            What::Flows(flows) => {
                let flows = u64::try_from(flows.without_translation).ok();
                Facts { event: "flows", flows, ..Facts::default() }
            }
            What::Paused { for_ms } => {
                Facts { event: "paused", for_ms: Some(*for_ms), ..Facts::default() }
            }
            What::Resumed { .. } => Facts { event: "resumed", ..Facts::default() },
        }
    }

    fn about<'a>(event: &'static str, keys: impl IntoIterator<Item = &'a ChainKey>) -> Facts {
        let keys: Vec<&ChainKey> = keys.into_iter().collect();
        let families: BTreeSet<String> = keys.iter().map(|key| key.family.to_string()).collect();
        let families = families.into_iter().collect::<Vec<_>>().join(",");
        let name = |key: &&ChainKey| format!("{}/{}/{}", key.family, key.table, key.chain);
        let mut chains = keys.iter().take(NAMED).map(name).collect::<Vec<_>>();
        if let Some(more @ 1..) = keys.len().checked_sub(NAMED) {
            chains.push(format!("{more} more"));
        }
        Facts {
            event,
            families: Some(families),
            chains: Some(chains.join(",")),
            ..Facts::default()
        }
    }

    fn ended(self, outcome: &Outcome) -> Facts {
        match outcome {
            Outcome::Repaired { quiet_ms, took_ms, detected_ms, gap_ms } => Facts {
                outcome: Some("repaired"),
                quiet_ms: Some(*quiet_ms),
                took_ms: Some(*took_ms),
                detected_ms: *detected_ms,
                gap_ms: Some(*gap_ms),
                ..self
            },
            Outcome::WouldRepair { quiet_ms } => {
                Facts { outcome: Some("would_repair"), quiet_ms: Some(*quiet_ms), ..self }
            }
            Outcome::Returned { gap_ms } => {
                Facts { outcome: Some("returned"), gap_ms: Some(*gap_ms), ..self }
            }
        }
    }
}

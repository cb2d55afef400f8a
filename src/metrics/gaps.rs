//! What was taken, and how it came back.
use super::{Metrics, table};
use crate::damage::{ChainKey, Loss};
use crate::story::{Gap, Outcome, Suspects, Taken};
use chainkeeper_contract::{Family, Table};
use std::collections::{BTreeMap, BTreeSet};

/// Of a gap in what is only watched, what was counted when it was told that it would be repaired. Its end is
/// told, too.
#[derive(Debug, Default)]
pub(super) struct Watched {
    took: BTreeMap<ChainKey, Loss>,
    by: usize,
}

impl Watched {
    /// What of it is new.
    fn fresh(&self, took: &[Taken]) -> Vec<Taken> {
        let less = |taken: &Taken| {
            let (new, Some(old)) = (&taken.loss, self.took.get(&taken.key)) else {
                return taken.clone();
            };
            let loss = Loss {
                absent: new.absent && !old.absent,
                rules: new.rules.saturating_sub(old.rules),
                jumps: new.jumps.saturating_sub(old.jumps),
                changed: new.changed && !old.changed,
            };
            Taken { key: taken.key.clone(), loss }
        };
        took.iter().map(less).filter(|taken| taken.loss != Loss::default()).collect()
    }
}

impl Metrics {
    pub(super) fn gap(&mut self, gap: &Gap) {
        let seconds = |ms: f64| ms / 1e3;
        match &gap.outcome {
            Outcome::Repaired { took_ms, detected_ms, gap_ms, .. } => {
                self.lost(&gap.took);
                self.taken_by(&gap.by);
                for place in places(&gap.took) {
                    self.add_table(&table::REPAIRS, place);
                }
                self.gaps.observe(seconds(*gap_ms));
                self.repairs.observe(seconds(*took_ms));
                if let Some(ms) = detected_ms {
                    self.detections.observe(seconds(*ms));
                }
            }
            Outcome::WouldRepair { .. } => {
                let fresh = self.watched.fresh(&gap.took);
                self.lost(&fresh);
                self.taken_by(gap.by.get(self.watched.by..).unwrap_or_default());
                for place in places(&fresh) {
                    self.add_table(&table::WOULD_REPAIRS, place);
                }
                let all = gap.took.iter().map(|taken| (taken.key.clone(), taken.loss.clone()));
                self.watched = Watched { took: all.collect(), by: gap.by.len() };
            }
            Outcome::Returned { gap_ms } => {
                let is_watched = gap.took.iter().any(|t| self.watched.took.contains_key(&t.key));
                let known =
                    if is_watched { std::mem::take(&mut self.watched) } else { Watched::default() };
                self.lost(&known.fresh(&gap.took));
                self.taken_by(gap.by.get(known.by..).unwrap_or_default());
                for place in places(&gap.took) {
                    self.add_table(&table::RETURNS, place);
                }
                self.gaps.observe(seconds(*gap_ms));
            }
        }
    }

    fn lost(&mut self, took: &[Taken]) {
        for Taken { key, loss } in took {
            for (kind, count) in parts(loss) {
                let labels = vec![key.family.to_string(), key.table.to_string(), kind.to_owned()];
                if count > 0 {
                    self.add(&table::LOSSES, labels, count);
                }
            }
        }
    }

    fn taken_by(&mut self, by: &[Suspects]) {
        by.iter().for_each(|suspects| self.culprits.took(suspects));
    }
}

/// How much of each kind.
pub(super) fn parts(loss: &Loss) -> [(&'static str, u64); 4] {
    [
        ("chain", u64::from(loss.absent)),
        ("rule", loss.rules as u64),
        ("jump", loss.jumps as u64),
        ("changed", u64::from(loss.changed)),
    ]
}

/// The tables that it is about, each once.
fn places(took: &[Taken]) -> BTreeSet<(Family, Table)> {
    took.iter().map(|taken| (taken.key.family, taken.key.table)).collect()
}

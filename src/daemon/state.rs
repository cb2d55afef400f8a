//! What the last looks have shown, for `status`.
use crate::config::Config;
use crate::damage::{ChainKey, Damage};
use crate::reconcile::{Counted, Look, Pass};
use crate::status::TableState;
use crate::switch::Passes;
use chainkeeper_contract::{BackendError, Family, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// As of the last look.
#[derive(Debug, Default)]
pub(super) struct Last {
    pub(super) generation: Option<u32>,
    /// When something could be read.
    pub(super) looked: Option<Duration>,
    /// What is wrong and not ours to mend, in words.
    pub(super) problems: Vec<String>,
    /// What our rules have counted.
    pub(super) counted: Vec<Counted>,
    /// Where that is.
    wrong: BTreeSet<(Family, Table)>,
    /// Families that could not be read or written.
    failed: BTreeMap<Family, String>,
    /// Nothing could be done at all.
    broken: Option<String>,
}

impl Last {
    pub(super) fn glanced(&mut self, look: &Result<Look, BackendError>, now: Duration) {
        match look {
            Ok(look) => self.look(look, now),
            Err(error) => self.broken = Some(error.to_string()),
        }
    }

    pub(super) fn synced(&mut self, kept: &Result<Passes, BackendError>, now: Duration) {
        match kept {
            Ok(Passes { pass, .. }) => {
                self.look(&pass.look, now);
                self.written(pass);
            }
            Err(error) => self.broken = Some(error.to_string()),
        }
    }

    fn look(&mut self, look: &Look, now: Duration) {
        self.broken = None;
        self.generation = look.generation;
        self.problems = look.problems();
        self.counted.clone_from(&look.counted);
        self.wrong.clear();
        if look.families.is_empty() {
            self.looked = Some(now); // nothing is to be kept
        }
        for (family, outcome) in &look.families {
            match outcome {
                Ok(delta) => {
                    self.failed.remove(family);
                    self.looked = Some(now);
                    self.wrong.extend(delta.problems.iter().map(|p| (*family, p.table())));
                }
                Err(error) => drop(self.failed.insert(*family, error.to_string())),
            }
        }
    }

    fn written(&mut self, pass: &Pass) {
        let Some(applied) = &pass.applied else { return };
        self.generation = applied.generation;
        for (family, result) in &applied.families {
            if let Err(error) = result {
                self.failed.insert(*family, error.to_string());
            }
        }
    }

    pub(super) fn errors(&self) -> Vec<String> {
        let broken = self.broken.iter().cloned();
        broken.chain(self.failed.iter().map(|(f, e)| format!("{f}: {e}"))).collect()
    }

    /// Each table of each family.
    pub(super) fn tables(
        &self,
        config: &Config,
        damage: &Damage,
        yielded: &BTreeMap<ChainKey, Duration>,
    ) -> BTreeMap<Family, BTreeMap<Table, TableState>> {
        let mut tables = BTreeMap::new();
        for family in &config.families {
            let failed = self.broken.is_some() || self.failed.contains_key(family);
            let state = if failed { TableState::Failed } else { TableState::InSync };
            tables.insert(*family, BTreeMap::from(Table::ALL.map(|table| (table, state))));
        }
        let mut raise = |family: &Family, table: &Table, to: TableState| {
            let state = tables.get_mut(family).and_then(|tables| tables.get_mut(table));
            if let Some(state) = state {
                *state = to.max(*state);
            }
        };
        self.wrong.iter().for_each(|(family, table)| raise(family, table, TableState::Drifted));
        for key in damage.0.keys() {
            let state = match (config.monitor.keep.has_key(key), yielded.contains_key(key)) {
                (false, _) => TableState::Watched,
                (true, true) => TableState::Yielded,
                (true, false) => TableState::Drifted,
            };
            raise(&key.family, &key.table, state);
        }
        tables
    }
}

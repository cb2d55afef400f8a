//! What a pass came to.
use super::Counted;
use crate::chains;
use crate::damage::{Damage, concerns};
use crate::monitor::{Findings, Keep};
use chainkeeper_contract::{Applied, BackendError, ChainName, Delta, Family, Note, Plan, Step};
use std::collections::BTreeMap;
use std::time::Duration;

/// What one family came to: the difference that was found, or why there is none.
pub type Outcome = Result<Delta, BackendError>;

/// A look, and what it means.
#[derive(Debug)]
pub struct Look {
    /// The generation that was seen.
    pub generation: Option<u32>,
    /// Each family apart.
    pub families: BTreeMap<Family, Outcome>,
    /// Steps that are left out, see [`super::Keeper::select`].
    pub spared: BTreeMap<Family, Vec<Step>>,
    /// What our rules have counted, where they are.
    pub counted: Vec<Counted>,
}

/// A pass that may have written.
#[derive(Debug)]
pub struct Pass {
    /// What was found (and, where there were steps, done).
    pub look: Look,
    /// What became of it; `None` when there was nothing to send.
    pub applied: Option<Applied>,
    /// From the first look to the last answer.
    pub took: Duration,
}

impl Look {
    /// A look at nothing.
    pub(crate) fn nothing() -> Look {
        let (families, spared) = (BTreeMap::new(), BTreeMap::new());
        Look { generation: None, families, spared, counted: vec![] }
    }

    /// The steps of all families that could be read.
    pub fn plan(&self) -> Plan {
        let steps = |(f, o): (&Family, &Outcome)| Some((*f, o.as_ref().ok()?.steps.clone()));
        Plan {
            generation: self.generation,
            families: self.families.iter().filter_map(steps).collect(),
        }
    }

    /// What the steps would mend.
    pub fn missing(&self) -> Damage {
        let mut damage = Damage::default();
        for (family, outcome) in &self.families {
            damage.add(*family, outcome.iter().flat_map(|delta| &delta.steps));
        }
        damage
    }

    /// What is missing: to be mended, and left alone. Canaries are none of it.
    fn damage(&self, family: Family, spared_only: bool) -> Damage {
        let delta = self.families.get(&family).and_then(|o| o.as_ref().ok());
        let steps = delta.into_iter().filter(|_| !spared_only).flat_map(|d| &d.steps);
        let steps = steps.chain(self.spared.get(&family).into_iter().flatten());
        let canary = |s: &&Step| concerns(s).is_some_and(|(_, chain)| chains::is_canary(&chain));
        let mut damage = Damage::default();
        damage.add(family, steps.filter(|step| !canary(step)));
        damage
    }

    /// Canaries that are missing in tables of that family that are kept.
    fn canaries(&self, family: Family, keep: &Keep) -> impl Iterator<Item = &ChainName> {
        let delta = self.families.get(&family).and_then(|o| o.as_ref().ok());
        delta.into_iter().flat_map(|delta| &delta.notes).filter_map(|note| {
            let Note::PendingCanary { table, chain } = note else { return None };
            keep.has(*table, chain).then_some(chain)
        })
    }

    /// True when something is wrong that is not ours to mend.
    pub fn has_problems(&self) -> bool {
        self.families.values().flatten().any(|delta| !delta.problems.is_empty())
    }

    /// True when every family is in sync.
    pub fn in_sync(&self) -> bool {
        self.families.keys().all(|family| self.family_in_sync(*family))
    }

    /// True when that family is.
    pub fn family_in_sync(&self, family: Family) -> bool {
        self.families.get(&family).is_some_and(|o| o.as_ref().is_ok_and(Delta::in_sync))
    }
}

impl Pass {
    /// A pass that only looked.
    pub fn of(look: Look) -> Pass {
        Pass { look, applied: None, took: Duration::ZERO }
    }

    /// What the monitor has to know of it. `keep`: which chains are written.
    pub fn findings(&self, keep: &Keep) -> Findings {
        let mut findings = Findings { generation: self.look.generation, ..Findings::default() };
        if let Some(applied) = &self.applied {
            (findings.generation, findings.commits) = (applied.generation, applied.commits);
            // A batch that changes nothing makes none.
            let new = applied.generation.filter(|_| applied.generation != self.look.generation);
            findings.ours.extend(new.filter(|_| applied.commits > 0));
        }
        for (family, outcome) in &self.look.families {
            if outcome.is_err() {
                findings.unread.insert(*family);
                continue;
            }
            let wrote = self
                .applied
                .as_ref()
                .is_some_and(|a| matches!(a.families.get(family), Some(Ok(()))));
            findings.found.join(&self.look.damage(*family, false));
            findings.left.join(&self.look.damage(*family, wrote));
            for canary in self.look.canaries(*family, keep) {
                match chains::is_shared_canary(canary) {
                    true => drop(findings.canaries.insert(*family)),
                    false => findings.own_canary = true,
                }
            }
        }
        findings
    }

    /// The errors of all families.
    pub fn errors(&self) -> impl Iterator<Item = &BackendError> {
        self.look.families.keys().filter_map(|f| self.error(*f))
    }

    /// True when every family was read and, where there was something to do, written.
    pub fn is_well(&self) -> bool {
        self.errors().next().is_none()
    }

    /// True when a family was read and written, and nothing of ours in it had to be left alone.
    pub fn family_in_place(&self, family: Family) -> bool {
        let delta = self.look.families.get(&family).and_then(|o| o.as_ref().ok());
        self.error(family).is_none() && delta.is_some_and(|d| d.problems.is_empty())
    }

    /// The error of a family, from reading or from writing.
    pub fn error(&self, family: Family) -> Option<&BackendError> {
        let read = self.look.families.get(&family).and_then(|o| o.as_ref().err());
        let wrote = || self.applied.as_ref()?.families.get(&family)?.as_ref().err();
        read.or_else(wrote)
    }
}

//! A fake kernel: copy, apply, swap. It refuses what nf_tables refuses, with the same errno, and is
//! held to that by playing the same random scripts as the kernel (`script`).
use super::random::Outside;
use super::tables::Tables;
use crate::backend::{Applied, Backend, Survey};
use crate::error::{BackendError, Errno};
use crate::names::{Family, Table};
use crate::observed::{End, Observed, Outline, Reference, RuleSeen, Seen, Snapshot};
use crate::plan::Plan;
use crate::scope::Scope;
use std::collections::BTreeMap;

/// An nf_tables of the imagination.
#[derive(Debug, Clone)]
pub struct Fake {
    families: BTreeMap<Family, Tables>,
    generation: u32,
    forgets_marks: bool,
}

impl Fake {
    /// A kernel before Linux 5.10: chains keep no userdata, so no mark.
    pub fn without_marks() -> Fake {
        Fake { forgets_marks: true, ..Fake::default() }
    }
}

impl Default for Fake {
    fn default() -> Self {
        Fake { families: BTreeMap::new(), generation: 1, forgets_marks: false }
    }
}

impl Fake {
    /// Changes something as another program would; the generation moves with it.
    pub fn outside(&mut self, family: Family, change: &Outside) {
        let tables = self.families.entry(family).or_default();
        self.generation += 1;
        let (table, name) = change.place();
        let Some(table) = tables.0.get_mut(&table) else { return };
        match change {
            Outside::DeleteChain(..) => drop(table.seen.chains.remove(&name)),
            Outside::Flush(..) => table.with(&name, |_, rules| rules.clear()),
            Outside::DeleteRule(_, _, n) => table.with(&name, |_, rules| {
                if *n < rules.len() {
                    rules.remove(*n);
                }
            }),
            Outside::Duplicate(_, _, n) => table.with(&name, |handle, rules| {
                if let Some(mut copy) = rules.get(*n).cloned() {
                    copy.handle = handle;
                    rules.push(copy);
                }
            }),
            Outside::Foreign(_, _, n) => table.with(&name, |handle, rules| {
                let text = "(payload, match tcp) -j ACCEPT".to_owned();
                let seen = Seen::Foreign(Outline {
                    conditional: true,
                    alters: false,
                    end: End::Accept,
                    text,
                });
                let new = RuleSeen { handle, seen, unreadable: false, counters: None };
                rules.insert((*n).min(rules.len()), new);
            }),
        }
    }

    /// Rule `n` of a chain has counted so much more. No commit: the generation stays.
    pub fn count(&mut self, place: (Family, Table, &str), n: usize, packets: u64, bytes: u64) {
        let (family, table, chain) = place;
        let tables = self.families.get_mut(&family).and_then(|tables| tables.0.get_mut(&table));
        let chain = tables.and_then(|table| table.seen.chains.get_mut(chain));
        let rule = chain.and_then(|chain| chain.rules.get_mut(n));
        if let Some(counters) = rule.and_then(|rule| rule.counters.as_mut()) {
            counters.packets += packets;
            counters.bytes += bytes;
        }
    }

    /// Applies the steps of some families to a copy: the copy, or each family's first error. As the kernel
    /// does, loops are looked for in a second round, when no message is wrong by itself.
    fn attempt(
        &self,
        plan: &Plan,
        only: &[Family],
    ) -> Result<Fake, BTreeMap<Family, BackendError>> {
        self.round(plan, only, false)?;
        self.round(plan, only, true)
    }

    fn round(
        &self,
        plan: &Plan,
        only: &[Family],
        loops: bool,
    ) -> Result<Fake, BTreeMap<Family, BackendError>> {
        let mut copy = self.clone();
        let mut errors = BTreeMap::new();
        for (family, steps) in plan.families.iter().filter(|(f, _)| only.contains(f)) {
            let tables = copy.families.entry(*family).or_default();
            for step in steps {
                if let Err(errno) = tables.step(step, loops) {
                    let what = step.to_string();
                    let family_ = Some(*family);
                    errors.entry(*family).or_insert(BackendError::Refused {
                        what,
                        family: family_,
                        errno,
                        at: None,
                    });
                }
            }
        }
        copy.generation += 1;
        if errors.is_empty() { Ok(copy) } else { Err(errors) }
    }
}

impl Backend for Fake {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError> {
        let look = |family: &Family| {
            let mut seen = Observed::default();
            for (name, table) in self.families.get(family).into_iter().flat_map(|t| &t.0) {
                let mut view = table.seen.clone();
                if self.forgets_marks {
                    view.chains.values_mut().for_each(|c| c.ours = false);
                }
                for (to, _) in view.chains.iter().filter(|_| scope.references) {
                    let text = |r: &RuleSeen| r.outline().text;
                    let refs = table.jumps_to(to).map(|(from, r)| Reference {
                        from: from.clone(),
                        handle: r.handle,
                        to: to.clone(),
                        text: text(r),
                    });
                    view.references.extend(refs);
                }
                seen.tables.insert(*name, view);
            }
            (*family, Ok(seen))
        };
        let families = scope.families.iter().map(look).collect();
        Ok(Snapshot { generation: Some(self.generation), families })
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        if plan.generation.is_some_and(|g| g != self.generation) {
            return Err(BackendError::Busy { what: "commit".into(), errno: Errno::RESTART });
        }
        let steps = plan.families.iter().filter(|(_, s)| !s.is_empty());
        let mut only: Vec<Family> = steps.map(|(f, _)| *f).collect();
        let mut applied =
            Applied { commits: 0, generation: plan.generation, families: BTreeMap::new() };
        while !only.is_empty() {
            match self.attempt(plan, &only) {
                Ok(next) => {
                    *self = next;
                    applied.commits += 1;
                    applied.generation = Some(self.generation);
                    applied.families.extend(only.drain(..).map(|f| (f, Ok(()))));
                }
                Err(errors) => {
                    only.retain(|f| !errors.contains_key(f));
                    applied.families.extend(errors.into_iter().map(|(f, e)| (f, Err(e))));
                }
            }
        }
        Ok(applied)
    }

    fn validate(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        let applied = self.clone().apply(plan)?;
        Ok(Applied { commits: 0, generation: plan.generation, ..applied })
    }

    fn generation(&mut self) -> Result<Option<u32>, BackendError> {
        Ok(Some(self.generation))
    }

    fn survey(&mut self) -> Result<Survey, BackendError> {
        Ok(Survey::default())
    }
}

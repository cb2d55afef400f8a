//! A fake kernel: copy, apply, swap. It refuses what nf_tables refuses, with the same errno, and is
//! held to that by playing the same random scripts as the kernel (`script`).
use super::random::Outside;
use crate::backend::{Applied, Backend};
use crate::error::{BackendError, Errno};
use crate::names::{ChainName, Family, Handle, Hook, Table};
use crate::observed::{
    BaseChain, ChainSeen, End, Observed, Outline, Reference, RuleSeen, Scope, Seen, Snapshot,
    TableSeen,
};
use crate::plan::{Place, Plan, Step};
use crate::rule::{Action, Rule};
use std::collections::BTreeMap;

/// An nf_tables of the imagination.
#[derive(Debug, Clone)]
pub struct Fake {
    families: BTreeMap<Family, Tables>,
    generation: u32,
}

#[derive(Debug, Clone, Default)]
struct Tables(BTreeMap<Table, FakeTable>);

#[derive(Debug, Clone, Default)]
struct FakeTable {
    handles: u64,
    seen: TableSeen,
}

impl Default for Fake {
    fn default() -> Self {
        Fake { families: BTreeMap::new(), generation: 1 }
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
                rules.insert((*n).min(rules.len()), RuleSeen { handle, seen });
            }),
        }
    }

    /// Applies the steps of some families to a copy: the copy, or each family's first error.
    fn attempt(
        &self,
        plan: &Plan,
        only: &[Family],
    ) -> Result<Fake, BTreeMap<Family, BackendError>> {
        let mut copy = self.clone();
        let mut errors = BTreeMap::new();
        for (family, steps) in plan.families.iter().filter(|(f, _)| only.contains(f)) {
            let tables = copy.families.entry(*family).or_default();
            for step in steps {
                if let Err(errno) = tables.step(step) {
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

impl FakeTable {
    fn with(&mut self, name: &ChainName, change: impl FnOnce(Handle, &mut Vec<RuleSeen>)) {
        self.handles += 1;
        let handle = Handle(self.handles);
        if let Some(chain) = self.seen.chains.get_mut(name) {
            change(handle, &mut chain.rules);
        }
    }

    fn create(&mut self, name: ChainName, base: Option<BaseChain>, ours: bool) {
        self.handles += 1;
        let handle = Handle(self.handles);
        self.seen.chains.insert(name, ChainSeen { handle, base, ours, rules: vec![] });
    }

    fn jumps_to<'a>(
        &'a self,
        to: &'a ChainName,
    ) -> impl Iterator<Item = (&'a ChainName, &'a RuleSeen)> {
        let all = self.seen.chains.iter().flat_map(|(n, c)| c.rules.iter().map(move |r| (n, r)));
        all.filter(move |(_, r)| r.rule().is_some_and(|r| r.action == Action::Jump(to.clone())))
    }

    fn add(
        &mut self,
        chain: &ChainName,
        rule: &Rule,
        place: Place,
        nat: bool,
    ) -> Result<(), Errno> {
        // In the kernel's order: chain, position, then the expressions.
        let found = self.seen.chains.get(chain).ok_or(Errno::NOENT)?;
        let at = match place {
            Place::First => 0,
            Place::Last => found.rules.len(),
            Place::Before(h) => {
                found.rules.iter().position(|r| r.handle == h).ok_or(Errno::NOENT)?
            }
        };
        if let Action::Jump(to) = &rule.action {
            let target = self.seen.chains.get(to).ok_or(Errno::NOENT)?;
            if target.base.is_some() {
                return Err(Errno::OPNOTSUPP);
            }
        }
        if matches!(rule.action, Action::Masquerade { .. }) && !nat {
            return Err(Errno::INVAL);
        }
        self.handles += 1;
        let new = RuleSeen { handle: Handle(self.handles), seen: Seen::Known(rule.clone()) };
        let found = self.seen.chains.get_mut(chain).ok_or(Errno::NOENT)?;
        found.rules.insert(at, new);
        if self.has_hooked_loop() {
            return Err(Errno::MLINK);
        }
        Ok(())
    }

    /// nf_tables accepts a loop until a base chain leads to it.
    fn has_hooked_loop(&self) -> bool {
        let hooked = self.seen.chains.iter().filter(|(_, c)| c.base.is_some());
        hooked.into_iter().any(|(name, _)| self.loops(name, &mut vec![]))
    }

    fn loops(&self, at: &ChainName, path: &mut Vec<ChainName>) -> bool {
        if path.contains(at) {
            return true;
        }
        path.push(at.clone());
        let next = self.seen.chains.get(at).into_iter().flat_map(|c| &c.rules);
        let targets = next.filter_map(|r| match &r.rule()?.action {
            Action::Jump(to) => Some(to.clone()),
            Action::Drop | Action::Return | Action::Mark { .. } | Action::Masquerade { .. } => None,
        });
        let found = targets.collect::<Vec<_>>().iter().any(|to| self.loops(to, path));
        path.pop();
        found
    }

    fn remove(&mut self, chain: &ChainName, handle: Handle) -> Result<(), Errno> {
        let chain = self.seen.chains.get_mut(chain).ok_or(Errno::NOENT)?;
        let at = chain.rules.iter().position(|r| r.handle == handle).ok_or(Errno::NOENT)?;
        chain.rules.remove(at);
        Ok(())
    }
}

impl Tables {
    fn step(&mut self, step: &Step) -> Result<(), Errno> {
        if let Step::EnsureTable { table } = step {
            self.0.entry(*table).or_default();
            return Ok(());
        }
        let nat = step.table() == Table::Nat;
        let table = self.0.get_mut(&step.table()).ok_or(Errno::NOENT)?;
        match step {
            Step::EnsureTable { .. } => Ok(()),
            Step::EnsureHook { hook, .. } => ensure_hook(table, *hook),
            Step::CreateChain { chain, .. } if table.seen.chains.contains_key(chain) => {
                Err(Errno::EXIST)
            }
            Step::CreateChain { chain, .. } => {
                table.create(chain.clone(), None, true);
                Ok(())
            }
            Step::Rewrite { chain, remove, insert, place, .. } => {
                let reversed = insert.iter().rev();
                let rules: Vec<&Rule> = match place {
                    Place::First => reversed.collect(),
                    Place::Last | Place::Before(_) => insert.iter().collect(),
                };
                for rule in rules {
                    table.add(chain, rule, *place, nat)?;
                }
                remove.iter().try_for_each(|h| table.remove(chain, *h))
            }
            Step::Insert { hook, rule, place, .. } => table.add(&hook.chain(), rule, *place, nat),
            Step::Remove { chain, handle, .. } => table.remove(chain, *handle),
            Step::DeleteChain { handle, .. } => delete_chain(table, *handle),
        }
    }
}

fn ensure_hook(table: &mut FakeTable, hook: Hook) -> Result<(), Errno> {
    match table.seen.chains.get(&hook.chain()) {
        None => {
            let base = BaseChain { standard: true, text: "as iptables".into() };
            table.create(hook.chain(), Some(base), false);
            Ok(())
        }
        Some(chain) if chain.base.is_some() => Ok(()),
        Some(_) => Err(Errno::OPNOTSUPP),
    }
}

fn delete_chain(table: &mut FakeTable, handle: Handle) -> Result<(), Errno> {
    let found = table.seen.chains.iter().find(|(_, c)| c.handle == handle);
    let (name, chain) = found.map(|(n, c)| (n.clone(), c)).ok_or(Errno::NOENT)?;
    if !chain.rules.is_empty() || table.jumps_to(&name).next().is_some() {
        return Err(Errno::BUSY);
    }
    table.seen.chains.remove(&name);
    Ok(())
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
}

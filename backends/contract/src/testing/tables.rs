//! The fake kernel's tables: what one step does to them, or the errno that nf_tables gives.
use crate::error::Errno;
use crate::names::{ChainName, Handle, Hook, Table};
use crate::observed::{BaseChain, ChainSeen, Counters, RuleSeen, Seen, TableSeen};
use crate::plan::{Place, Step};
use crate::rule::{Action, Rule};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub(super) struct Tables(pub(super) BTreeMap<Table, FakeTable>);

#[derive(Debug, Clone, Default)]
pub(super) struct FakeTable {
    handles: u64,
    pub(super) seen: TableSeen,
}

impl FakeTable {
    pub(super) fn with(
        &mut self,
        name: &ChainName,
        change: impl FnOnce(Handle, &mut Vec<RuleSeen>),
    ) {
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

    pub(super) fn jumps_to<'a>(
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
        let (handle, seen) = (Handle(self.handles), Seen::Known(rule.clone()));
        let counters = Some(Counters::default());
        let new = RuleSeen { handle, seen, unreadable: false, counters };
        let found = self.seen.chains.get_mut(chain).ok_or(Errno::NOENT)?;
        found.rules.insert(at, new);
        Ok(())
    }

    /// nf_tables accepts a loop until a base chain leads to it.
    fn looped(&self, looked_for: bool) -> Result<(), Errno> {
        let mut hooked = self.seen.chains.iter().filter(|(_, c)| c.base.is_some());
        match looked_for && hooked.any(|(name, _)| self.loops(name, &mut vec![])) {
            true => Err(Errno::MLINK),
            false => Ok(()),
        }
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
    /// `loops`: they are refused.
    pub(super) fn step(&mut self, step: &Step, loops: bool) -> Result<(), Errno> {
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
                    table.looped(loops)?;
                }
                remove.iter().try_for_each(|h| table.remove(chain, *h))
            }
            Step::Insert { hook, rule, place, .. } => {
                table.add(&hook.chain(), rule, *place, nat)?;
                table.looped(loops)
            }
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

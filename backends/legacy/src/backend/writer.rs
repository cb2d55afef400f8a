//! Writes: one restore of each family with steps, both at the same time.
use super::LegacyBackend;
use crate::child::{self, Ended, Running};
use crate::errors;
use crate::reader;
use crate::render::Script;
use crate::saves::Tables;
use crate::tools::{no_tool, restore_name};
use chainkeeper_contract::{Applied, BackendError, Errno, Family, Plan, Step, Table};
use std::collections::BTreeMap;

/// Options that old tools lack. Found by trying: what a tool refuses is left out from then on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knows {
    /// `MASQUERADE --random-fully`, from 1.6.2 on.
    pub(super) random_fully: bool,
    /// `iptables-restore -w`, from 1.6.2 on. Before that a restore takes no lock at all.
    pub(super) wait: bool,
}

impl Knows {
    /// What to strike out, if that was all that was wrong.
    fn less(self, ended: &Ended) -> Option<fn(&mut Knows)> {
        if self.random_fully && errors::no_random_fully(ended) {
            return Some(|knows| knows.random_fully = false);
        }
        let wait = self.wait && errors::no_wait(ended);
        wait.then_some(|knows| knows.wait = false)
    }
}

/// A family's restore on its way.
struct Sending {
    family: Family,
    script: Script,
    /// What it was written with: the other family may have found out since what is not known.
    knows: Knows,
    running: Running,
}

impl LegacyBackend {
    /// One restore of each family with steps, at the same time.
    pub(super) fn write(&mut self, plan: &Plan) -> Applied {
        let mut applied = Applied { commits: 0, generation: None, families: BTreeMap::new() };
        let steps = plan.families.iter().filter(|(_, steps)| !steps.is_empty());
        let started: Vec<_> = steps.map(|(f, steps)| (*f, self.start(*f, steps, None))).collect();
        for (family, sending) in started {
            let steps = &plan.families[&family];
            let before = self.committed;
            let result = sending.and_then(|sending| self.finish(sending, steps));
            applied.commits += u32::from(self.committed > before);
            applied.families.insert(family, result);
        }
        applied
    }

    /// Starts the restore of a family, or of those of its tables that are left.
    fn start(
        &self,
        family: Family,
        steps: &[Step],
        from: Option<Table>,
    ) -> Result<Sending, BackendError> {
        let mut script = self.script(family, steps)?;
        if let Some(from) = from {
            script.skip_to(from);
        }
        let running = self.start_restore(family, &script.text(), &[])?;
        Ok(Sending { family, script, knows: self.knows, running })
    }

    fn script(&self, family: Family, steps: &[Step]) -> Result<Script, BackendError> {
        let nothing = Tables::default();
        let seen = self.seen.get(&family).unwrap_or(&nothing);
        Script::of(steps, seen, self.knows.random_fully).map_err(|step| {
            let what = format!("{family}: {step}");
            BackendError::Refused { what, family: Some(family), errno: Errno::NOENT, at: None }
        })
    }

    fn start_restore(
        &self,
        family: Family,
        input: &str,
        more: &[&str],
    ) -> Result<Running, BackendError> {
        let what = format!("cannot write the {family} tables");
        let mut restore = self.setup.tools.restore(family).ok_or_else(|| no_tool(family, &what))?;
        restore.arg("--noflush").args(more);
        if self.knows.wait {
            // One second for a lock that nobody else can have: without -w some versions wait for ever.
            restore.args(["-w", "1"]);
        }
        child::start(restore, input, true, self.held.as_deref(), self.setup.limit)
            .map_err(|e| errors::io(&what, restore_name(family), &e))
    }

    fn finish(&mut self, sending: Sending, steps: &[Step]) -> Result<(), BackendError> {
        let Sending { family, script, knows, running } = sending;
        let tool = restore_name(family);
        let ended = running.finish().map_err(|e| errors::io("commit", tool, &e))?;
        if ended.code == Some(0) {
            self.committed += script.tables.len();
            self.record(family, steps, |table| script.has(table));
            return Ok(());
        }
        // Tables before the one that failed are committed.
        let failed = errors::line(&ended.words).and_then(|line| script.table_at(line));
        let written = |table| failed.is_some_and(|f| script.before(table, f));
        self.committed += Table::ALL.into_iter().filter(|table| written(*table)).count();
        self.record(family, steps, written);
        if let Some(learn) = knows.less(&ended) {
            learn(&mut self.knows);
            let again = self.start(family, steps, failed)?;
            return self.finish(again, steps);
        }
        if failed.is_none() {
            self.look_what_came_of_it(family, steps);
        }
        Err(refusal(family, &script, &ended))
    }

    /// Killed, or without a word on where it stopped: what is there now and was not before is of this
    /// restore, since we hold the lock.
    fn look_what_came_of_it(&mut self, family: Family, steps: &[Step]) {
        let Some(Ok(now)) =
            reader::read(&self.setup.tools, self.setup.limit, [family]).remove(&family)
        else {
            return;
        };
        for step in steps {
            if let Step::CreateChain { table, chain } = step
                && now.table(*table).is_some_and(|chains| chains.contains_key(chain))
            {
                self.committed += 1;
                self.created.insert((family, *table, chain.clone()));
            }
        }
    }

    /// Remembers which chains are ours now.
    fn record(&mut self, family: Family, steps: &[Step], written: impl Fn(Table) -> bool) {
        for step in steps.iter().filter(|s| written(s.table())) {
            match step {
                Step::CreateChain { table, chain } => {
                    self.created.insert((family, *table, chain.clone()));
                }
                Step::DeleteChain { table, chain, .. } => {
                    self.created.remove(&(family, *table, chain.clone()));
                }
                Step::EnsureTable { .. }
                | Step::EnsureHook { .. }
                | Step::Rewrite { .. }
                | Step::Insert { .. }
                | Step::Remove { .. } => {}
            }
        }
    }

    /// Asks by `--test`, which creates each table that it is asked about: so only where they all exist.
    pub(super) fn test(&self, family: Family, steps: &[Step]) -> Result<(), BackendError> {
        let nothing = Tables::default();
        let seen = self.seen.get(&family).unwrap_or(&nothing);
        if let Some(table) = steps.iter().map(Step::table).find(|t| seen.table(*t).is_none()) {
            return Err(BackendError::NotAsked {
                what: format!("{family}: ask whether it would be taken"),
                words: format!("table {table} does not exist, and asking would create it"),
            });
        }
        let script = self.script(family, steps)?;
        let ended = self.start_restore(family, &script.text(), &["--test"])?.finish();
        let ended = ended.map_err(|e| errors::io("ask", restore_name(family), &e))?;
        match ended.code {
            Some(0) => Ok(()),
            Some(_) | None => Err(refusal(family, &script, &ended)),
        }
    }
}

fn refusal(family: Family, script: &Script, ended: &Ended) -> BackendError {
    let step = errors::line(&ended.words).and_then(|line| script.steps.get(line.checked_sub(1)?));
    let step = step.map_or("commit", String::as_str);
    errors::failed(&format!("{family}: {step}"), restore_name(family), ended)
}

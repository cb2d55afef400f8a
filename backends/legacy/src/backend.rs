//! The legacy backend: one save and at most one restore of each family in a pass, both families at once.
use crate::child::{self, Ended, Running};
use crate::errors;
use crate::host::{Names, listed};
use crate::lock::{self, Held};
use crate::render::Script;
use crate::saves::Tables;
use crate::tools::Tools;
use chainkeeper_contract::{
    Applied, Backend, BackendError, Created, Errno, ErrorKind, Family, Plan, Scope, Snapshot, Step,
    Survey, Table,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How the backend works with its host.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What reads and writes.
    pub tools: Tools,
    /// The xtables lock of this host.
    pub lock: PathBuf,
    /// How long to wait for it.
    pub lock_wait: Duration,
    /// How long a tool may run.
    pub limit: Duration,
}

impl Setup {
    /// These tools and the lock of this host; five seconds for the lock, as kubelet waits; half a minute
    /// for a tool (100,000 rules take about one second).
    pub fn with(tools: Tools) -> Setup {
        let (lock_wait, limit) = (Duration::from_secs(5), Duration::from_secs(30));
        Setup { tools, lock: lock::path(), lock_wait, limit }
    }
}

/// x_tables of the network namespace of the thread that calls.
#[derive(Debug)]
pub struct LegacyBackend {
    setup: Setup,
    /// The xtables lock, between `lock` and `unlock`.
    held: Option<Held>,
    /// The last look.
    seen: BTreeMap<Family, Tables>,
    created: Created,
    /// False once a tool has said that it does not know `--random-fully`.
    random_fully: bool,
}

/// A family's restore on its way.
struct Sending {
    family: Family,
    script: Script,
    /// What it was written with: the other family may have found out since that it is not known.
    random_fully: bool,
    running: Running,
}

impl LegacyBackend {
    /// Looks whether there are tools at all. Touches nothing.
    pub fn open(setup: Setup) -> Result<LegacyBackend, BackendError> {
        setup.tools.describe().map_err(|words| BackendError::Failed {
            kind: ErrorKind::Unsupported,
            what: "cannot use iptables-legacy".into(),
            words,
        })?;
        let (held, seen, created) = Default::default();
        Ok(LegacyBackend { setup, held, seen, created, random_fully: true })
    }

    /// The tables of these families: one save each, at the same time.
    fn read(
        &self,
        families: impl IntoIterator<Item = Family>,
    ) -> BTreeMap<Family, Result<Tables, BackendError>> {
        let started: Vec<_> = families.into_iter().map(|f| (f, self.start_save(f))).collect();
        let finish = |(family, started): (Family, Result<Option<Running>, BackendError>)| {
            let tables = match started {
                Ok(Some(running)) => self.finish_save(family, running),
                Ok(None) => Ok(Tables::default()),
                Err(error) => Err(error),
            };
            (family, tables)
        };
        started.into_iter().map(finish).collect()
    }

    /// Without a table in the kernel's list there is nothing to print.
    fn start_save(&self, family: Family) -> Result<Option<Running>, BackendError> {
        let what = format!("read the {family} tables");
        match listed(family) {
            Names::NoList => return Ok(None),
            Names::Listed(tables) if tables.is_empty() => return Ok(None),
            Names::Listed(_) => {}
            Names::Unreadable(error) => {
                let words =
                    format!("the kernel's list of tables: {error}; uid 0 or gid 0 reads it");
                return Err(BackendError::Failed { kind: ErrorKind::Denied, what, words });
            }
        }
        // Without -t: with it the tool would create the table that it is asked for.
        let save = self.setup.tools.save(family).ok_or_else(|| no_tool(family, &what))?;
        let running = child::start(save, "", false, None, self.setup.limit);
        running.map(Some).map_err(|e| errors::io(&what, save_name(family), &e))
    }

    fn finish_save(&self, family: Family, running: Running) -> Result<Tables, BackendError> {
        let (what, tool) = (format!("read the {family} tables"), save_name(family));
        let ended = running.finish().map_err(|e| errors::io(&what, tool, &e))?;
        if ended.code != Some(0) {
            return Err(errors::failed(&what, tool, &ended));
        }
        Tables::read(&String::from_utf8_lossy(&ended.stdout)).map_err(|why| BackendError::Garbled {
            what: format!("{what} by {tool}"),
            why: why.to_string(),
        })
    }

    /// Outside of `lock` and `unlock` the last look may be old: looks again before it is acted on.
    fn fresh(&mut self, plan: &Plan) -> Result<(), BackendError> {
        let families: Vec<Family> = plan.families.keys().copied().collect();
        for (family, now) in self.read(families) {
            if self.seen.get(&family) != Some(&now?) {
                let what = "commit: somebody else wrote since we looked".to_owned();
                return Err(BackendError::Busy { what, errno: Errno::RESTART });
            }
        }
        Ok(())
    }

    /// One restore of each family with steps, at the same time.
    fn write(&mut self, plan: &Plan) -> Applied {
        let mut applied = Applied { commits: 0, generation: None, families: BTreeMap::new() };
        let steps = plan.families.iter().filter(|(_, steps)| !steps.is_empty());
        let started: Vec<_> = steps.map(|(f, steps)| (*f, self.start(*f, steps, None))).collect();
        for (family, sending) in started {
            let steps = &plan.families[&family];
            let result = sending.and_then(|sending| self.finish(sending, steps));
            applied.commits += u32::from(result.is_ok());
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
        let nothing = Tables::default();
        let seen = self.seen.get(&family).unwrap_or(&nothing);
        let mut script = Script::of(steps, seen, self.random_fully).map_err(|step| {
            let what = format!("{family}: {step}");
            BackendError::Refused { what, family: Some(family), errno: Errno::NOENT, at: None }
        })?;
        if let Some(from) = from {
            script.skip_to(from);
        }
        let running = self.start_restore(family, &script.text(), &[])?;
        Ok(Sending { family, script, random_fully: self.random_fully, running })
    }

    fn start_restore(
        &self,
        family: Family,
        input: &str,
        more: &[&str],
    ) -> Result<Running, BackendError> {
        let what = format!("write the {family} tables");
        let mut restore = self.setup.tools.restore(family).ok_or_else(|| no_tool(family, &what))?;
        // One second for a lock that nobody else can have: without -w some versions wait for ever.
        restore.args(["--noflush", "-w", "1"]).args(more);
        child::start(restore, input, true, self.held.as_deref(), self.setup.limit)
            .map_err(|e| errors::io(&what, restore_name(family), &e))
    }

    fn finish(&mut self, sending: Sending, steps: &[Step]) -> Result<(), BackendError> {
        let Sending { family, script, random_fully, running } = sending;
        let tool = restore_name(family);
        let ended = running.finish().map_err(|e| errors::io("commit", tool, &e))?;
        if ended.code == Some(0) {
            self.record(family, steps, |table| script.has(table));
            return Ok(());
        }
        // Tables before the one that failed are committed.
        let failed = errors::line(&ended.words).and_then(|line| script.table_at(line));
        self.record(family, steps, |table| failed.is_some_and(|f| script.before(table, f)));
        if random_fully && errors::no_random_fully(&ended) {
            self.random_fully = false;
            let rest = self.start(family, steps, failed)?;
            return self.finish(rest, steps);
        }
        Err(refusal(family, &script, &ended))
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

    /// What is recorded and gone was not ours for ever: whoever makes it next, it is theirs.
    fn forget_the_gone(&mut self) {
        let seen = &self.seen;
        self.created.retain(|(family, table, chain)| match seen.get(family) {
            Some(tables) => tables.table(*table).is_some_and(|c| c.contains_key(chain)),
            None => true,
        });
    }
}

fn refusal(family: Family, script: &Script, ended: &Ended) -> BackendError {
    let step = errors::line(&ended.words).and_then(|line| script.steps.get(line.checked_sub(1)?));
    let step = step.map_or("commit", String::as_str);
    errors::failed(&format!("{family}: {step}"), restore_name(family), ended)
}

fn save_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "iptables-legacy-save",
        Family::Ipv6 => "ip6tables-legacy-save",
    }
}

fn restore_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "iptables-legacy-restore",
        Family::Ipv6 => "ip6tables-legacy-restore",
    }
}

fn no_tool(family: Family, what: &str) -> BackendError {
    let words = format!("{} and {} are not in PATH", save_name(family), restore_name(family));
    BackendError::Failed { kind: ErrorKind::Unsupported, what: what.to_owned(), words }
}

impl Backend for LegacyBackend {
    fn kind(&self) -> &'static str {
        "legacy"
    }

    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError> {
        let mut families = BTreeMap::new();
        self.seen.clear();
        for (family, tables) in self.read(scope.families.iter().copied()) {
            match tables {
                Ok(tables) => drop(self.seen.insert(family, tables)),
                Err(error) => drop(families.insert(family, Err(error))),
            }
        }
        self.forget_the_gone();
        for (family, tables) in &self.seen {
            families.insert(*family, Ok(tables.observed(*family, scope, &self.created)));
        }
        Ok(Snapshot { generation: None, families })
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        if plan.is_empty() {
            return Ok(Applied { commits: 0, generation: None, families: BTreeMap::new() });
        }
        if self.held.is_some() {
            return Ok(self.write(plan));
        }
        self.lock()?;
        let applied = self.fresh(plan).map(|()| self.write(plan));
        self.unlock();
        applied
    }

    /// By `iptables-restore --test`, which creates each table that it is asked about: so only where they
    /// all exist.
    fn validate(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        let mut applied = Applied { commits: 0, generation: None, families: BTreeMap::new() };
        for (family, steps) in plan.families.iter().filter(|(_, steps)| !steps.is_empty()) {
            applied.families.insert(*family, self.test(*family, steps));
        }
        Ok(applied)
    }

    fn generation(&mut self) -> Result<Option<u32>, BackendError> {
        Ok(None)
    }

    fn survey(&mut self) -> Result<Survey, BackendError> {
        let mut survey = Survey::default();
        for (family, tables) in self.read(Family::ALL) {
            tables?.survey(family, &self.created, &mut survey);
        }
        Ok(survey)
    }

    fn lock(&mut self) -> Result<(), BackendError> {
        if self.held.is_none() {
            self.held = Some(lock::take(&self.setup.lock, self.setup.lock_wait)?);
        }
        Ok(())
    }

    fn unlock(&mut self) {
        self.held = None;
    }

    fn recall(&mut self, created: Created) {
        self.created = created;
    }

    fn created(&self) -> Option<&Created> {
        Some(&self.created)
    }
}

impl LegacyBackend {
    fn test(&self, family: Family, steps: &[Step]) -> Result<(), BackendError> {
        let nothing = Tables::default();
        let seen = self.seen.get(&family).unwrap_or(&nothing);
        if let Some(table) = steps.iter().map(Step::table).find(|t| seen.table(*t).is_none()) {
            return Err(BackendError::Failed {
                kind: ErrorKind::Unsupported,
                what: format!("{family}: ask without doing"),
                words: format!("table {table} does not exist, and asking would create it"),
            });
        }
        let script = Script::of(steps, seen, self.random_fully).unwrap_or_default();
        let ended = self.start_restore(family, &script.text(), &["--test"])?.finish();
        let ended = ended.map_err(|e| errors::io("ask", restore_name(family), &e))?;
        match ended.code {
            Some(0) => Ok(()),
            Some(_) | None => Err(refusal(family, &script, &ended)),
        }
    }
}

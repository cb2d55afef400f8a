//! The legacy backend: one save and at most one restore of each family in a pass, both families at once.
mod writer;

use crate::lock::{self, Held};
use crate::reader;
use crate::saves::Tables;
use crate::tools::Tools;
use crate::watch::Sizes;
use chainkeeper_contract::{
    Applied, Backend, BackendError, Created, Errno, ErrorKind, Family, Plan, Scope, Snapshot,
    Survey, Watch, Way,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use writer::Knows;

/// How long a tool may run: half a minute (with 100,000 rules in a table, 1.8.9 saves in 0.2 s and restores in
/// 0.3 s).
pub const LIMIT: Duration = Duration::from_secs(30);

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
    /// Once true, nobody waits for the lock any more.
    pub stop: Arc<AtomicBool>,
    /// Whether the lock at that path can be the host's: asked before it is opened, which may make it.
    pub shared: fn(&Path) -> bool,
}

impl Setup {
    /// These tools and the lock of this host; five seconds for the lock, as kubelet waits.
    pub fn with(tools: Tools) -> Setup {
        let lock_wait = Duration::from_secs(5);
        let (lock, stop) = (lock::path(), Arc::default());
        Setup { tools, lock, lock_wait, limit: LIMIT, stop, shared: |_| true }
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
    /// Grows with each table that was committed, as far as is known.
    committed: usize,
    /// What the tool has not yet said that it does not know.
    knows: Knows,
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
        let knows = Knows { random_fully: true, wait: true };
        Ok(LegacyBackend { setup, held, seen, created, committed: 0, knows })
    }

    /// Outside of `lock` and `unlock` the last look may be old: looks again before it is acted on.
    fn fresh(&mut self, plan: &Plan) -> Result<(), BackendError> {
        let families: Vec<Family> = plan.families.keys().copied().collect();
        for (family, now) in reader::read(&self.setup.tools, self.setup.limit, families) {
            if self.seen.get(&family) != Some(&now?) {
                let what = "commit: somebody else wrote since we looked".to_owned();
                return Err(BackendError::Busy { what, errno: Errno::RESTART });
            }
        }
        Ok(())
    }

    /// What [`Backend::survey`] would say of the tables as they were last read. Reads nothing.
    pub fn seen_of_others(&self) -> Survey {
        let mut survey = Survey::default();
        for (family, tables) in &self.seen {
            tables.survey(*family, &self.created, &mut survey);
        }
        survey
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

impl Backend for LegacyBackend {
    fn kind(&self) -> &'static str {
        "legacy"
    }

    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError> {
        let mut families = BTreeMap::new();
        self.seen.clear();
        for (family, tables) in
            reader::read(&self.setup.tools, self.setup.limit, scope.families.iter().copied())
        {
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
        self.seen.clear();
        for (family, tables) in reader::read(&self.setup.tools, self.setup.limit, Family::ALL) {
            self.seen.insert(family, tables?);
        }
        Ok(self.seen_of_others())
    }

    /// Asks for the size of each table that there is, whatever the way: a rule that takes the place of one
    /// of its own size goes unseen. To be used in the network namespace in which it was opened: the
    /// kernel's list of tables is that of the thread that reads it. EPERM comes with the first question.
    fn watch(&self, _way: Way) -> Result<Box<dyn Watch>, BackendError> {
        Ok(Box::new(Sizes::open()?))
    }

    fn lock(&mut self) -> Result<(), BackendError> {
        let Setup { lock, lock_wait, stop, shared, .. } = &self.setup;
        if self.held.is_none() {
            if !shared(lock) {
                return Err(lock::private(lock));
            }
            self.held = Some(lock::take(lock, *lock_wait, stop)?);
        }
        Ok(())
    }

    fn unlock(&mut self) {
        self.held = None;
    }

    fn recall(&mut self, created: Created) {
        // Not in its place: a record that was lost or is another's takes nothing from what we know.
        self.created.extend(created);
    }

    fn created(&self) -> Option<&Created> {
        Some(&self.created)
    }
}

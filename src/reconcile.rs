//! observe, diff, apply, verify: one pass over both families.
use crate::config::{Config, Dialect};
use crate::memory::Memory;
use crate::policy::{self, Sighted};
use chainkeeper_contract::{
    Applied, Backend, BackendError, CanaryPolicy, Delta, Family, Options, Plan, Readable, Scope,
    Snapshot, diff, teardown,
};
use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tracing::{debug, trace};

/// Commits that may be refused because somebody else was faster, before we say so.
const ROUNDS: u32 = 8;

/// What one family came to: the difference that was found, or why there is none.
pub type Outcome = Result<Delta, BackendError>;

/// A look, and what it means.
#[derive(Debug)]
pub struct Look {
    /// The generation that was seen.
    pub generation: Option<u32>,
    /// Each family apart.
    pub families: BTreeMap<Family, Outcome>,
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
    /// The steps of all families that could be read.
    fn plan(&self) -> Plan {
        let steps = |(f, o): (&Family, &Outcome)| Some((*f, o.as_ref().ok()?.steps.clone()));
        Plan {
            generation: self.generation,
            families: self.families.iter().filter_map(steps).collect(),
        }
    }

    /// True when every family is in sync.
    pub fn in_sync(&self) -> bool {
        self.families.values().all(|o| o.as_ref().is_ok_and(Delta::in_sync))
    }
}

impl Pass {
    /// A pass that only looked.
    pub fn of(look: Look) -> Pass {
        Pass { look, applied: None, took: Duration::ZERO }
    }

    /// The errors of all families.
    pub fn errors(&self) -> impl Iterator<Item = &BackendError> {
        self.look.families.keys().filter_map(|f| self.error(*f))
    }

    /// True when every family was read and, where there was something to do, written.
    pub fn is_well(&self) -> bool {
        self.errors().next().is_none()
    }

    /// True when nothing of ours had to be left alone, either: what others need is there.
    pub fn in_place(&self) -> bool {
        self.is_well() && self.look.families.values().flatten().all(|d| d.problems.is_empty())
    }

    /// The error of a family, from reading or from writing.
    pub fn error(&self, family: Family) -> Option<&BackendError> {
        let read = self.look.families.get(&family).and_then(|o| o.as_ref().err());
        let wrote = || self.applied.as_ref()?.families.get(&family)?.as_ref().err();
        read.or_else(wrote)
    }
}

/// Keeps one configuration on one backend. Remembers what was seen and created.
pub struct Keeper {
    backend: Box<dyn Backend>,
    config: Config,
    sighted: Sighted,
    memory: Memory,
    /// Families whose canaries were once in place: from then on a lost KUBE-KUBELET-CANARY is left
    /// lost by [`Keeper::keep`], since it is another program's smoke alarm.
    settled: BTreeSet<Family>,
}

impl Keeper {
    /// A keeper that has seen nothing yet.
    pub fn new(backend: Box<dyn Backend>, config: Config) -> Keeper {
        let (sighted, settled) = (Sighted::default(), BTreeSet::new());
        Keeper { backend, config, sighted, memory: Memory::none(), settled }
    }

    /// The same keeper with a memory that outlives it.
    pub fn remembering(mut self, memory: Memory) -> Keeper {
        self.memory = memory;
        self.recall();
        self
    }

    /// Whether KUBE-IPTABLES-HINT may be written, see [`Sighted::no_hint`].
    pub fn hint(&mut self, may: bool) {
        self.sighted.no_hint = !may;
    }

    /// Which backend it is: `nft` or `legacy`.
    pub fn backend(&self) -> &'static str {
        self.backend.kind()
    }

    /// Takes in what other runs have left in the memory meanwhile.
    fn recall(&mut self) {
        let state = self.memory.recall();
        self.sighted.kube_proxy |= state.kube_proxy;
        self.backend.recall(state.created);
    }

    /// Puts into the memory what is new.
    fn record(&mut self) {
        let (kube_proxy, created) = (self.sighted.kube_proxy, self.backend.created());
        self.memory.update(|state| {
            state.kube_proxy |= kube_proxy;
            if let Some(created) = created {
                state.created.clone_from(created);
            }
        });
    }

    /// Goes on where `old` was, on the same host.
    pub fn inherit(&mut self, old: &Keeper) {
        self.sighted.kube_proxy |= old.sighted.kube_proxy;
        if self.backend.kind() == old.backend.kind() {
            self.settled.clone_from(&old.settled);
        }
    }

    /// Asks for the generation: the cheapest question that needs the capability.
    pub fn check(&mut self) -> Result<(), BackendError> {
        self.backend.generation().map(|_| ())
    }

    /// Looks, and says what there is to do. Writes nothing.
    pub fn look(&mut self, canary: CanaryPolicy) -> Result<Look, BackendError> {
        self.look_with(|_| canary)
    }

    fn look_with(
        &mut self,
        canary: impl Fn(&Family) -> CanaryPolicy,
    ) -> Result<Look, BackendError> {
        let snapshot = self.backend.observe(&policy::scope(&self.config))?;
        self.sighted.kube_proxy |= policy::sight(&snapshot).kube_proxy;
        let (jumps, kube_proxy) = (self.config.jumps, self.sighted.kube_proxy);
        let readable = match (self.config.dialect, self.config.force_dialect) {
            (Dialect::Xt, _) => Readable::Yes,
            (Dialect::Native, false) => Readable::No,
            (Dialect::Native, true) => Readable::NoForced,
        };
        Ok(each(snapshot, |family, seen| {
            let options = Options { jumps, canary: canary(&family), kube_proxy, readable };
            let want = policy::policy(&self.config, self.sighted, family);
            let mut delta = diff(&want, &seen, options);
            delta.notes.extend(policy::withheld(&want, &seen));
            delta
        }))
    }

    /// Looks, and asks the kernel whether it would take the plan. Writes nothing.
    pub fn validate(&mut self) -> Result<Pass, BackendError> {
        let start = Instant::now();
        let look = self.look(CanaryPolicy::Write)?;
        let applied = self.backend.validate(&look.plan())?;
        Ok(Pass { look, applied: Some(applied), took: start.elapsed() })
    }

    /// Brings everything in place, and looks again to be sure.
    pub fn apply(&mut self, canary: CanaryPolicy) -> Result<Pass, BackendError> {
        let pass = self.commit(|keeper| keeper.look(canary))?;
        self.verify(&pass)?;
        Ok(pass)
    }

    /// As [`Keeper::apply`], for `run`: the first good pass of a family writes its canaries.
    pub fn keep(&mut self) -> Result<Pass, BackendError> {
        let pass = self.commit(|keeper| {
            let settled = keeper.settled.clone();
            keeper.look_with(|family| match settled.contains(family) {
                true => CanaryPolicy::Wait,
                false => CanaryPolicy::Write,
            })
        })?;
        self.verify(&pass)?;
        if self.config.make_chains {
            let well = pass.look.families.keys().filter(|f| pass.error(**f).is_none());
            self.settled.extend(well);
        }
        Ok(pass)
    }

    /// Takes out what we made.
    pub fn remove(&mut self, force: bool) -> Result<Pass, BackendError> {
        self.commit(|keeper| keeper.look_for_removal(force))
    }

    /// Looks at all that we may have made, and says what `remove` would take. Writes nothing.
    pub fn look_for_removal(&mut self, force: bool) -> Result<Look, BackendError> {
        if !self.config.make_chains {
            return Ok(Look { generation: None, families: BTreeMap::new() });
        }
        let scope: Scope = policy::removal_scope(&self.config);
        let snapshot = self.backend.observe(&scope)?;
        Ok(each(snapshot, |family, seen| {
            teardown(&policy::removable(&self.config, family), &seen, force)
        }))
    }

    /// Looks and writes until a commit lands on what was looked at. Other writers are kept out where the
    /// backend can do so; what is remembered is read and written in that time, too.
    fn commit(
        &mut self,
        look: impl Fn(&mut Keeper) -> Result<Look, BackendError>,
    ) -> Result<Pass, BackendError> {
        let start = Instant::now();
        self.backend.lock()?;
        self.recall();
        let mut pass = self.attempt(&look, start);
        for round in 1..=ROUNDS {
            match pass {
                Err(BackendError::Busy { .. }) => sleep(Duration::from_millis(1 << round)),
                Ok(_) | Err(_) => break,
            }
            pass = self.attempt(&look, start);
        }
        self.record();
        self.backend.unlock();
        pass
    }

    fn attempt(
        &mut self,
        look: &impl Fn(&mut Keeper) -> Result<Look, BackendError>,
        start: Instant,
    ) -> Result<Pass, BackendError> {
        let look = look(self)?;
        let plan = look.plan();
        debug!("looked at generation {:?} in {:?}", look.generation, start.elapsed());
        for (family, step) in plan.families.iter().flat_map(|(f, s)| s.iter().map(move |s| (f, s)))
        {
            trace!("{family}: {step}");
        }
        let applied = match plan.is_empty() {
            true => None,
            false => Some(self.backend.apply(&plan)?),
        };
        Ok(Pass { look, applied, took: start.elapsed() })
    }

    /// After our commit nothing may be left to do, unless somebody else has written since. Canaries
    /// apart: where the kernel keeps no mark, ours look like somebody else's. Without a generation
    /// nobody can tell who wrote last: the next pass will see.
    fn verify(&mut self, pass: &Pass) -> Result<(), BackendError> {
        let wrote = |a: &&Applied| a.commits > 0 && a.generation.is_some();
        let Some(applied) = pass.applied.as_ref().filter(wrote) else { return Ok(()) };
        let look = self.look(CanaryPolicy::Report)?;
        let done = applied.families.iter().filter(|(_, r)| r.is_ok()).map(|(f, _)| f);
        let left = done.filter_map(|f| look.families.get(f)?.as_ref().ok()?.steps.first()).next();
        match left {
            Some(step) if look.generation == applied.generation => Err(BackendError::Garbled {
                what: "verify what was written".into(),
                why: format!("the kernel took the commit, and still there is to do: {step}"),
            }),
            Some(_) | None => Ok(()),
        }
    }
}

fn each(
    snapshot: Snapshot,
    delta: impl Fn(Family, chainkeeper_contract::Observed) -> Delta,
) -> Look {
    let (generation, families) = (snapshot.generation, snapshot.families);
    let families =
        families.into_iter().map(|(f, seen)| (f, seen.map(|seen| delta(f, seen)))).collect();
    Look { generation, families }
}

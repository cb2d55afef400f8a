//! observe, diff, apply, verify: one pass over both families.
mod counted;
mod look;
mod pass;
pub mod problem;
mod wanted;

pub use counted::Counted;
pub use pass::{Look, Outcome, Pass};

use self::wanted::Wanted;
use crate::config::Config;
use crate::damage::Selection;
use crate::memory::Memory;
use crate::policy::{self, Held, Sighted};
use chainkeeper_contract::{Applied, Backend, BackendError, CanaryPolicy, Family, Scope, Watch};
use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tracing::debug;

/// Commits that may be refused because somebody else was faster, before we say so.
const ROUNDS: u32 = 8;

/// Keeps one configuration on one backend. Remembers what was seen and created.
pub struct Keeper {
    backend: Box<dyn Backend>,
    config: Config,
    /// What has to be looked at, by the configuration.
    scope: Scope,
    sighted: Sighted,
    memory: Memory,
    /// A lost hint waits: kubelet may have taken it elsewhere. And: it did wait in the last look.
    hint_waits: bool,
    hint_waited: bool,
    /// Chains that are written; the others are left as they are.
    selected: Selection,
    wanted: Wanted,
    /// What the last look showed of others, for the choice between backends.
    held: BTreeMap<Family, Held>,
    /// Families whose canaries were once in place: from then on a lost KUBE-KUBELET-CANARY is left
    /// lost by [`Keeper::keep`], since it is another program's smoke alarm.
    settled: BTreeSet<Family>,
    /// Writes that began anew since this was asked last.
    restarts: u32,
}

impl Keeper {
    /// A keeper that has seen nothing yet.
    pub fn new(backend: Box<dyn Backend>, config: Config) -> Keeper {
        let (sighted, settled) = (Sighted::default(), BTreeSet::new());
        let scope = policy::scope(&config);
        let (memory, held) = (Memory::none(), BTreeMap::new());
        let wanted = Wanted::default();
        let (hint_waits, hint_waited, selected) = (false, false, Selection::default());
        Keeper {
            backend,
            config,
            scope,
            sighted,
            memory,
            hint_waits,
            hint_waited,
            selected,
            wanted,
            held,
            settled,
            restarts: 0,
        }
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

    /// Whether a hint that was lost waits until it is known that nobody has moved.
    pub fn hold_hint(&mut self, wait: bool) {
        self.hint_waits = wait;
    }

    /// From now on these chains are written, and canaries.
    pub fn select(&mut self, chains: Selection) {
        self.selected = chains;
    }

    /// A watch over what others write to this backend, for the calling thread.
    pub fn watch(&self) -> Result<Box<dyn Watch>, BackendError> {
        self.backend.watch(self.config.watch)
    }

    /// True when one waited in the last look.
    pub fn hint_waited(&self) -> bool {
        self.hint_waited
    }

    /// True when something else is wanted than when this was asked last: what is missing then was taken by
    /// nobody.
    pub fn wants_else(&mut self) -> bool {
        self.wanted.take_changed()
    }

    /// How often a write began anew since this was asked last, because somebody had committed.
    pub fn restarts(&mut self) -> u32 {
        std::mem::take(&mut self.restarts)
    }

    /// The canaries of these families were written.
    pub fn settle(&mut self, families: impl IntoIterator<Item = Family>) {
        self.settled.extend(families);
    }

    /// What the last look showed of others: the families that were read.
    pub fn held(&self) -> &BTreeMap<Family, Held> {
        &self.held
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

    /// Asks for the generation: the cheapest question that needs the capability. Legacy has none; its tools
    /// and capabilities were looked at when it was chosen.
    pub fn check(&mut self) -> Result<(), BackendError> {
        self.backend.generation().map(|_| ())
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
        let mut pass = self.commit(|keeper| keeper.look(canary))?;
        self.verify(&mut pass)?;
        Ok(pass)
    }

    /// As [`Keeper::apply`], for `run`: the first good pass of a family writes its canaries, and so does one
    /// that is told to.
    pub fn keep(&mut self, canaries: &BTreeSet<Family>) -> Result<Pass, BackendError> {
        if !self.config.make_chains {
            return Ok(Pass::of(Look::nothing()));
        }
        let mut pass = self.commit(|keeper| {
            let settled = keeper.settled.clone();
            keeper.look_with(|family| {
                match settled.contains(family) && !canaries.contains(family) {
                    true => CanaryPolicy::Wait,
                    false => CanaryPolicy::Write,
                }
            })
        })?;
        self.verify(&mut pass)?;
        let well = pass.look.families.keys().filter(|f| pass.error(**f).is_none());
        self.settled.extend(well);
        Ok(pass)
    }

    /// Takes out what we made.
    pub fn remove(&mut self, force: bool) -> Result<Pass, BackendError> {
        if !self.config.make_chains {
            return Ok(Pass::of(Look::nothing()));
        }
        self.commit(|keeper| keeper.look_for_removal(force))
    }

    /// Looks and writes until a commit lands on what was looked at. Other writers are kept out where the
    /// backend can do so; what is remembered is read and written in that time, too.
    fn commit(
        &mut self,
        look: impl Fn(&mut Keeper) -> Result<Look, BackendError>,
    ) -> Result<Pass, BackendError> {
        let start = Instant::now();
        self.held.clear(); // what was seen before an error is not seen now
        self.hint_waited = false;
        self.backend.lock()?;
        self.recall();
        let mut pass = self.attempt(&look, start);
        for round in 1..=ROUNDS {
            match pass {
                Err(BackendError::Busy { .. }) => sleep(Duration::from_millis(1 << round)),
                Ok(_) | Err(_) => break,
            }
            self.restarts += 1;
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
        for (family, step) in plan.families.iter().flat_map(|(f, s)| s.iter().map(move |s| (f, s)))
        {
            debug!("{family}: {step}");
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
    fn verify(&mut self, pass: &mut Pass) -> Result<(), BackendError> {
        let wrote = |a: &&mut Applied| a.commits > 0 && a.generation.is_some();
        let Some(applied) = pass.applied.as_mut().filter(wrote) else { return Ok(()) };
        let mut look = match self.look(CanaryPolicy::Report) {
            Ok(look) => look,
            Err(why) => {
                debug!("what was written cannot be looked at: {why}");
                return Ok(());
            }
        };
        pass.look.counted = std::mem::take(&mut look.counted);
        if look.generation == pass.look.generation {
            applied.generation = look.generation; // a batch that changes nothing makes none
        }
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

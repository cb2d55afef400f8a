//! Writing: a commit on what was looked at, and a look whether it is so.
use super::Keeper;
use super::pass::{Look, Pass};
use chainkeeper_contract::{Applied, BackendError, CanaryPolicy, Family};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tracing::debug;

/// Commits that may be refused because somebody else was faster, before we say so.
const ROUNDS: u32 = 8;

impl Keeper {
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

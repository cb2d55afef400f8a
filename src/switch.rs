//! The backend in use: how it was chosen, whether others have moved to the other one, and moving after
//! them. The new rules are written first; then what we made in the old backend goes.
mod leftovers;
mod moving;
mod sync;

pub use sync::{Synced, Task};

use crate::backends::Kind;
use crate::backends::{self, Stop};
use crate::config::Config;
use crate::memory::{Chosen, Memory};
use crate::probe::gather::{Gatherer, remembered};
use crate::probe::{Basis, Choice, Conclusion, NoChoice};
use crate::reconcile::{Keeper, Look, Pass};
use chainkeeper_contract::{BackendError, CanaryPolicy, Created, Family, Watch};
use std::collections::BTreeSet;

const UNPROVEN: &str = "legacy chains carry no mark: without a state file ours are taken for another's \
                        later, and `remove` leaves them";

/// One host, one configuration, one backend at a time.
pub struct Switch {
    config: Config,
    memory: Memory,
    gatherer: Gatherer,
    choice: Choice,
    keeper: Keeper,
    /// Something of ours is in the other backend.
    leftover: bool,
    /// A pass of `run` has written.
    placed: bool,
    /// Families that could not be written by the last pass that tried.
    unwritten: BTreeSet<Family>,
    /// Recorded as ours in legacy, and gone.
    gone: Created,
    /// What there was to say last time.
    told: Vec<String>,
    stop: Stop,
}

/// A pass, and what came with it.
#[derive(Debug)]
pub struct Passes {
    /// In the backend that is in use.
    pub pass: Pass,
    /// What was taken out of the other one, or why it could not be.
    pub other: Option<Result<Pass, BackendError>>,
}

impl Passes {
    /// The pass over the other backend, where there was one and it could look.
    pub fn swept(&self) -> Option<&Pass> {
        self.other.as_ref()?.as_ref().ok()
    }

    /// The errors of the other backend.
    pub fn other_errors(&self) -> impl Iterator<Item = &BackendError> {
        let failed = self.other.as_ref().and_then(|other| other.as_ref().err());
        failed.into_iter().chain(self.swept().into_iter().flat_map(Pass::errors))
    }
}

impl Switch {
    /// Looks at the host and opens the backend that it uses. Changes nothing.
    pub fn open(config: &Config) -> Result<Switch, BackendError> {
        Switch::with(config, memory_of(config), Stop::default())
    }

    fn with(config: &Config, memory: Memory, stop: Stop) -> Result<Switch, BackendError> {
        let gatherer = Gatherer::new(config);
        let (state, _) = memory.load();
        let known = remembered(&state, memory.path());
        let (facts, conclusion) = gatherer.choose(&state, known, None);
        let mut choice = chosen(conclusion)?;
        if choice.kind == Kind::Legacy && memory.path().is_none() {
            choice.warnings.push(UNPROVEN.into());
        }
        let leftover = facts.holds_ours(choice.kind.other());
        let keeper = keeper(config, &memory, &choice, &stop)?;
        let (config, told, gone) = (config.clone(), choice.warnings.clone(), facts.legacy.gone);
        let (placed, unwritten) = (false, BTreeSet::new());
        Ok(Switch {
            config,
            memory,
            gatherer,
            choice,
            keeper,
            leftover,
            placed,
            unwritten,
            gone,
            told,
            stop,
        })
    }

    /// Ends its waiting for others.
    pub fn stop(&self) -> Stop {
        Stop::clone(&self.stop)
    }

    /// What is kept.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What was chosen, and why.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Another configuration; what was seen so far stays seen. After an error nothing has changed.
    pub fn reconfigure(&mut self, config: &Config) -> Result<(), BackendError> {
        let mut new = match self.memory.path() == config.state_file.as_deref() {
            true => Switch::with(config, self.memory.clone(), self.stop())?,
            false => Switch::with(config, memory_of(config), self.stop())?,
        };
        new.keeper.inherit(&self.keeper);
        new.told.clear(); // nobody else says what goes against the new choice
        *self = new;
        Ok(())
    }

    /// Asks the cheapest question that needs the capability.
    pub fn check(&mut self) -> Result<(), BackendError> {
        self.keeper.check()
    }

    /// Looks, and says what there is to do. Writes nothing.
    pub fn look(&mut self, canary: CanaryPolicy) -> Result<Look, BackendError> {
        self.keeper.look(canary)
    }

    /// Looks, and asks whether the plan would be accepted. Writes nothing.
    pub fn validate(&mut self) -> Result<Pass, BackendError> {
        self.keeper.validate()
    }

    /// Says what [`Switch::remove`] would take, here and from the other backend.
    pub fn look_for_removal(&mut self, force: bool) -> Result<(Look, Option<Look>), BackendError> {
        let look = self.keeper.look_for_removal(force)?;
        Ok((look, self.look_there(self.sweeps_on_removal())?))
    }

    /// Brings everything in place, once.
    pub fn apply(&mut self) -> Result<Passes, BackendError> {
        let pass = self.keeper.apply(CanaryPolicy::Write)?;
        Ok(self.after(pass))
    }

    /// A watch over what others write, for the calling thread.
    pub fn watch(&self) -> Result<Box<dyn Watch>, BackendError> {
        self.keeper.watch()
    }

    /// Takes out what we made, and what we left in the other backend.
    pub fn remove(&mut self, force: bool) -> Result<Passes, BackendError> {
        let pass = self.keeper.remove(force)?;
        if !self.config.make_chains {
            return Ok(Passes { pass, other: None });
        }
        let other = self.sweeps_on_removal().then(|| self.sweep(self.config.families.clone()));
        Ok(Passes { pass, other })
    }

    /// What was asked for says nothing of the host.
    pub(super) fn remember(&self) {
        if self.choice.basis != Basis::Asked {
            let choice = Chosen { backend: self.choice.kind, evidence: self.choice.hint };
            self.memory.update(|state| state.choice = Some(choice));
        }
    }
}

fn memory_of(config: &Config) -> Memory {
    config.state_file.as_deref().map_or_else(Memory::none, Memory::at)
}

fn keeper(
    config: &Config,
    memory: &Memory,
    choice: &Choice,
    stop: &Stop,
) -> Result<Keeper, BackendError> {
    let backend = backends::open(config, choice.kind, stop)?;
    let mut keeper = Keeper::new(backend, config.clone()).remembering(memory.clone());
    keeper.hint(choice.hint);
    Ok(keeper)
}

/// The choice, or the error that stands for none.
pub fn chosen(conclusion: Conclusion) -> Result<Choice, BackendError> {
    match conclusion {
        Conclusion::Chosen(choice) => Ok(choice),
        Conclusion::None(NoChoice { kind, what, why, remedy, lack, .. }) => {
            Err(BackendError::NoBackend { kind, what, why, remedy, lack })
        }
        Conclusion::Ask(question) => Err(BackendError::Garbled {
            what: "choose a backend".into(),
            why: format!("{question:?} was not asked"),
        }),
    }
}

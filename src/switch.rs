//! The backend in use: how it was chosen, whether others have moved to the other one, and moving after
//! them. The new rules are written first; then what we made in the old backend goes.
use crate::backends;
use crate::config::{BackendChoice, Config, OnBackendChange, Sweep};
use crate::memory::{Chosen, Memory};
use crate::probe::gather::{Gatherer, remembered};
use crate::probe::{Basis, Choice, Facts, Kind, Remembered, Verdict};
use crate::reconcile::{Keeper, Look, Pass};
use crate::report;
use chainkeeper_contract::{BackendError, CanaryPolicy};
use tracing::warn;

/// One host, one configuration, one backend at a time.
pub struct Switch {
    config: Config,
    memory: Memory,
    gatherer: Gatherer,
    choice: Choice,
    keeper: Keeper,
    /// Something of ours is in the other backend.
    leftover: bool,
    /// What stood in the way of taking it out, last time.
    unswept: String,
    /// What there was to say last time.
    told: Vec<String>,
}

/// A pass, and what came with it.
#[derive(Debug)]
pub struct Done {
    /// In the backend that is in use.
    pub pass: Pass,
    /// What was taken out of the other one.
    pub other: Option<Pass>,
}

/// One pass of `run`.
#[derive(Debug)]
pub struct Synced {
    /// `None`: others have moved, and the configuration asks to end then.
    pub done: Option<Result<Done, BackendError>>,
    /// What is to be said about backends, once.
    pub said: Vec<String>,
}

impl Switch {
    /// Looks at the host and opens the backend that it uses. Changes nothing.
    pub fn open(config: &Config) -> Result<Switch, BackendError> {
        let memory = config.state_file.as_deref().map_or_else(Memory::none, Memory::at);
        Switch::with(config, memory)
    }

    fn with(config: &Config, memory: Memory) -> Result<Switch, BackendError> {
        let gatherer = Gatherer::new(config);
        let (state, _) = memory.load();
        let known = remembered(&state, memory.path());
        let (facts, verdict) = gatherer.choose(&state, known);
        let choice = chosen(verdict)?;
        let leftover = leftover(&facts, choice.kind.other());
        let keeper = keeper(config, &memory, &choice)?;
        let (config, told) = (config.clone(), choice.warnings.clone());
        let unswept = String::new();
        Ok(Switch { config, memory, gatherer, choice, keeper, leftover, unswept, told })
    }

    /// What was chosen, and why.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Another configuration; what was seen so far stays seen. After an error nothing has changed.
    pub fn reconfigure(&mut self, config: &Config) -> Result<(), BackendError> {
        let mut new = match self.memory.path() == config.state_file.as_deref() {
            true => Switch::with(config, self.memory.clone())?,
            false => Switch::open(config)?,
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
        let other = match self.sweeps_on_removal() {
            true => Some(self.other()?.look_for_removal(false)?),
            false => None,
        };
        Ok((look, other))
    }

    /// Brings everything in place, once.
    pub fn apply(&mut self) -> Result<Done, BackendError> {
        let pass = self.keeper.apply(CanaryPolicy::Write)?;
        Ok(self.after(pass))
    }

    /// One pass of `run`: looks at the evidence again, then at the chains.
    pub fn sync(&mut self) -> Synced {
        let (mut words, moved) = self.look_again();
        let mut news = None;
        match (moved, self.config.on_backend_change) {
            (Some(new), OnBackendChange::Exit) => {
                words.push(format!("stopping (--on-backend-change exit): {}", new.why));
                return Synced { done: None, said: self.unsaid(words) };
            }
            (Some(new), OnBackendChange::Follow) => match self.follow(new) {
                Ok(moved) => news = Some(moved),
                Err(why) => words.push(why),
            },
            (Some(_), OnBackendChange::Warn) | (None, _) => {}
        }
        let said = self.unsaid(words).into_iter().chain(news).collect();
        let pass = self.keeper.keep();
        Synced { done: Some(pass.map(|pass| self.after(pass))), said }
    }

    /// Of what there is to say, what was not said last time.
    fn unsaid(&mut self, words: Vec<String>) -> Vec<String> {
        let new = words.iter().filter(|w| !self.told.contains(w)).cloned().collect();
        self.told = words;
        new
    }

    /// Takes out what we made, and what we left in the other backend.
    pub fn remove(&mut self, force: bool) -> Result<Done, BackendError> {
        let pass = self.keeper.remove(force)?;
        let other = if self.sweeps_on_removal() { self.sweep() } else { None };
        Ok(Done { pass, other })
    }

    fn sweeps_on_removal(&self) -> bool {
        self.leftover && self.config.backend == BackendChoice::Auto
    }

    /// The choice is worth remembering once it has been acted on; and what is in the other backend is a
    /// leftover once ours are in place here.
    fn after(&mut self, pass: Pass) -> Done {
        let sweeps = pass.in_place() && self.leftover && self.config.sweep == Sweep::Own;
        let other = if sweeps { self.sweep() } else { None };
        if pass.is_well() {
            self.remember();
        }
        Done { pass, other }
    }

    /// A keeper of the other backend.
    fn other(&self) -> Result<Keeper, BackendError> {
        let backend = backends::open(&self.config, self.choice.kind.other())?;
        Ok(Keeper::new(backend, self.config.clone()).remembering(self.memory.clone()))
    }

    /// Takes out what is proven ours there. An error is said once, and tried again with the next pass.
    fn sweep(&mut self) -> Option<Pass> {
        let swept = self.other().and_then(|mut other| other.remove(false));
        let errors = match &swept {
            Ok(pass) => pass.errors().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        };
        let errors = errors.join("; ");
        let again = !errors.is_empty() && errors == self.unswept;
        self.leftover = !errors.is_empty();
        if swept.is_err() && !again {
            warn!("chains of ours are left in {}: {errors}", self.choice.kind.other());
        }
        self.unswept = errors;
        swept.ok().filter(|_| !again)
    }

    fn remember(&self) {
        // What was asked for says nothing of the host.
        if self.choice.basis != Basis::Asked {
            let choice = Chosen { backend: self.choice.kind, evidence: self.choice.hint };
            self.memory.update(|state| state.choice = Some(choice));
        }
    }

    /// The evidence of now: what there is to say of it, and where others have moved. Missing evidence is no
    /// change: the choice so far counts as remembered.
    fn look_again(&mut self) -> (Vec<String>, Option<Choice>) {
        let (state, _) = self.memory.load();
        let (kind, evidence) = (self.choice.kind, self.choice.hint);
        let known = Remembered { kind, evidence, from: "this run".into() };
        let (_, verdict) = self.gatherer.choose(&state, Some(known));
        match verdict {
            Verdict::Chosen(new) if new.kind == kind => {
                let words = new.warnings.clone();
                if new.basis == Basis::Evidence {
                    self.keeper.hint(new.hint);
                    self.choice = new;
                }
                (words, None)
            }
            Verdict::Chosen(new) => {
                let stay = match self.config.on_backend_change {
                    OnBackendChange::Warn => format!("; staying with {kind} (--on-backend-change)"),
                    OnBackendChange::Follow | OnBackendChange::Exit => String::new(),
                };
                (vec![format!("others use {} now: {}{stay}", new.kind, new.why)], Some(new))
            }
            Verdict::None(no) => {
                (vec![format!("{}: {}; staying with {kind}", no.what, no.why)], None)
            }
            Verdict::Ask(_) => (vec![], None), // asked and answered by the gatherer
        }
    }

    /// Writes in the new backend; only when all is in place there is the old one a leftover. The move in
    /// words, or why there is none.
    fn follow(&mut self, new: Choice) -> Result<String, String> {
        let cannot = |why: String| format!("cannot move to {}: {why}", new.kind);
        let (pass, keeper) = keeper(&self.config, &self.memory, &new)
            .and_then(|mut keeper| Ok((keeper.apply(CanaryPolicy::Write)?, keeper)))
            .map_err(|error| cannot(error.to_string()))?;
        if !pass.in_place() {
            let errors = pass.errors().map(ToString::to_string);
            let why: Vec<String> = errors.chain(report::problems(&pass.look)).collect();
            return Err(cannot(why.join("; ")));
        }
        let words = format!("moved from {} to {}: {}", self.choice.kind, new.kind, new.why);
        (self.keeper, self.choice, self.leftover) = (keeper, new, true);
        Ok(words)
    }
}

fn keeper(config: &Config, memory: &Memory, choice: &Choice) -> Result<Keeper, BackendError> {
    let backend = backends::open(config, choice.kind)?;
    let mut keeper = Keeper::new(backend, config.clone()).remembering(memory.clone());
    keeper.hint(choice.hint);
    Ok(keeper)
}

/// The choice, or the error that stands for none.
pub fn chosen(verdict: Verdict) -> Result<Choice, BackendError> {
    match verdict {
        Verdict::Chosen(choice) => Ok(choice),
        Verdict::None(no) => {
            Err(BackendError::Failed { kind: no.kind, what: no.what, words: no.why })
        }
        Verdict::Ask(question) => Err(BackendError::Garbled {
            what: "choose a backend".into(),
            why: format!("{question:?} was not asked"),
        }),
    }
}

/// Chains of ours in that backend, proven by a mark or a record.
fn leftover(facts: &Facts, of: Kind) -> bool {
    let ours = |held: &std::collections::BTreeMap<_, crate::probe::Held>| {
        held.values().any(|h| h.ours > 0)
    };
    match of {
        Kind::Nft => ours(&facts.nft.held),
        Kind::Legacy => facts.legacy.held.as_ref().is_ok_and(ours),
    }
}

//! What is ours in the backend that is not in use: looked at, and taken out once all is in place in the other.
use super::{Passes, Switch};
use crate::backends::{self, Kind};
use crate::config::{BackendChoice, Config, Sweep};
use crate::monitor::Keep;
use crate::reconcile::{Keeper, Look, Pass};
use chainkeeper_contract::{BackendError, Family};

impl Switch {
    /// Looks at what [`Switch::apply`] would take out of the other backend.
    pub fn look_at_leftovers(&self) -> Result<Option<Look>, BackendError> {
        self.look_there(self.sweeps())
    }

    pub(super) fn look_there(&self, wanted: bool) -> Result<Option<Look>, BackendError> {
        let families = self.config.families.clone();
        wanted.then(|| self.other(families)?.look_for_removal(false)).transpose()
    }

    /// Where only a part is kept here, what is there may be all that the host has of the rest.
    pub(super) fn sweeps(&self) -> bool {
        let all = self.config.monitor.keep == Keep::All;
        self.leftover && self.config.sweep == Sweep::Own && all
    }

    pub(super) fn sweeps_on_removal(&self) -> bool {
        self.leftover && self.config.backend == BackendChoice::Auto
    }

    /// The choice is worth remembering once it has been acted on; and what is in the other backend is a
    /// leftover once ours are in place here.
    pub(super) fn after(&mut self, pass: Pass) -> Passes {
        // A pass that only looked places nothing.
        let wrote = pass.applied.is_some();
        let placed = |f: &&Family| {
            let whole = pass.look.spared.get(*f).is_none_or(Vec::is_empty);
            pass.family_in_place(**f) && whole && (wrote || pass.look.family_in_sync(**f))
        };
        let placed: Vec<Family> = self.config.families.iter().filter(placed).copied().collect();
        let sweeps = self.sweeps() && !placed.is_empty();
        let other = sweeps.then(|| self.sweep(placed));
        self.forget_the_gone();
        if pass.is_well() && (wrote || pass.look.in_sync()) {
            self.remember();
        }
        Passes { pass, other }
    }

    /// A keeper of these families in the other backend.
    fn other(&self, families: Vec<Family>) -> Result<Keeper, BackendError> {
        let config = Config { families, ..self.config.clone() };
        let backend = backends::open(&config, self.choice.kind.other(), &self.stop)?;
        Ok(Keeper::new(backend, config).remembering(self.memory.clone()))
    }

    /// Takes out what is proven ours there. What is left after it is tried again in the next pass.
    pub(super) fn sweep(&mut self, families: Vec<Family>) -> Result<Pass, BackendError> {
        let all = families.len() == self.config.families.len();
        let swept = self.other(families)?.remove(false)?;
        self.leftover = !all || !swept.is_well();
        Ok(swept)
    }

    /// What is in use forgets by itself; this is for legacy's record while we are in nft.
    fn forget_the_gone(&mut self) {
        let gone = std::mem::take(&mut self.gone);
        if self.choice.kind == Kind::Nft && !gone.is_empty() {
            self.memory.update(|state| state.created.retain(|chain| !gone.contains(chain)));
        }
    }
}

//! observe, diff, apply, verify: one pass over both families.
mod counted;
mod look;
mod pass;
pub mod problem;
mod wanted;
mod write;

pub use counted::Counted;
pub use pass::{Look, Outcome, Pass};

use self::wanted::Wanted;
use crate::config::Config;
use crate::damage::Selection;
use crate::memory::Memory;
use crate::policy::Circumstances;
use crate::sight::{self, Held};
use chainkeeper_contract::{Backend, BackendError, Family, Scope, Watch};
use std::collections::{BTreeMap, BTreeSet};

/// Keeps one configuration on one backend. Remembers what was seen and created.
pub struct Keeper {
    backend: Box<dyn Backend>,
    config: Config,
    /// What has to be looked at, by the configuration.
    scope: Scope,
    circumstances: Circumstances,
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
        let (circumstances, settled) = (Circumstances::default(), BTreeSet::new());
        let scope = sight::scope(&config);
        let (memory, held) = (Memory::none(), BTreeMap::new());
        let wanted = Wanted::default();
        let (hint_waits, hint_waited, selected) = (false, false, Selection::default());
        Keeper {
            backend,
            config,
            scope,
            circumstances,
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

    /// Whether KUBE-IPTABLES-HINT may be written, see [`Circumstances::no_hint`].
    pub fn hint(&mut self, may: bool) {
        self.circumstances.no_hint = !may;
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
        self.circumstances.kube_proxy |= state.kube_proxy;
        self.backend.recall(state.created);
    }

    /// Puts into the memory what is new.
    fn record(&mut self) {
        let (kube_proxy, created) = (self.circumstances.kube_proxy, self.backend.created());
        self.memory.update(|state| {
            state.kube_proxy |= kube_proxy;
            if let Some(created) = created {
                state.created.clone_from(created);
            }
        });
    }

    /// Goes on where `old` was, on the same host.
    pub fn inherit(&mut self, old: &Keeper) {
        self.circumstances.kube_proxy |= old.circumstances.kube_proxy;
        if self.backend.kind() == old.backend.kind() {
            self.settled.clone_from(&old.settled);
        }
    }

    /// Asks for the generation: the cheapest question that needs the capability. Legacy has none; its tools
    /// and capabilities were looked at when it was chosen.
    pub fn check(&mut self) -> Result<(), BackendError> {
        self.backend.generation().map(|_| ())
    }
}

//! What each family should hold, worked out once for whatever is seen of others. Pure.
use crate::config::Config;
use crate::policy::{Circumstances, policy};
use chainkeeper_contract::{Family, Ruleset};
use std::collections::BTreeMap;

/// What the last look wanted.
#[derive(Default)]
pub(super) struct Wanted {
    by: Option<Circumstances>,
    sets: BTreeMap<Family, Ruleset>,
    changed: bool,
}

impl Wanted {
    /// By what is seen of others now.
    pub(super) fn see(&mut self, config: &Config, circumstances: Circumstances) {
        if self.by == Some(circumstances) {
            return;
        }
        let set = |family: &Family| (*family, policy(config, circumstances, *family));
        let sets = config.families.iter().map(set).collect();
        self.changed |= self.by.is_some() && self.sets != sets;
        (self.by, self.sets) = (Some(circumstances), sets);
    }

    /// What that family should hold; `None` where it is not kept, or nothing was seen yet.
    pub(super) fn of(&self, family: Family) -> Option<&Ruleset> {
        self.sets.get(&family)
    }

    /// True when something else is wanted than when this was asked last.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

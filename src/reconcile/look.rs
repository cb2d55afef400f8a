//! Looking, without writing: what there is to do, what our rules have counted, what a removal would take.
use super::Keeper;
use super::counted::{self, Counted};
use super::pass::Look;
use crate::chains;
use crate::config::Dialect;
use crate::damage::{ChainKey, hold_back};
use crate::policy;
use crate::sight;
use chainkeeper_contract::{
    BackendError, CanaryPolicy, ChainName, Delta, Family, Options, Readable, Ruleset, Scope,
    Snapshot, diff, teardown,
};
use std::time::Instant;
use tracing::debug;

impl Keeper {
    /// Looks, and says what there is to do. Writes nothing.
    pub fn look(&mut self, canary: CanaryPolicy) -> Result<Look, BackendError> {
        self.look_with(|_| canary)
    }

    pub(super) fn look_with(
        &mut self,
        canary: impl Fn(&Family) -> CanaryPolicy,
    ) -> Result<Look, BackendError> {
        self.held.clear();
        let start = Instant::now();
        let snapshot = self.backend.observe(&self.scope)?;
        debug!("looked at generation {:?} in {:?}", snapshot.generation, start.elapsed());
        self.circumstances.kube_proxy |= sight::circumstances(&snapshot).kube_proxy;
        let held = |(f, o): (&Family, &Result<_, _>)| Some((*f, sight::held(o.as_ref().ok()?)));
        self.held = snapshot.families.iter().filter_map(held).collect();
        self.wanted.see(&self.config, self.circumstances);
        let (jumps, kube_proxy) = (self.config.jumps, self.circumstances.kube_proxy);
        let readable = match (self.config.dialect, self.config.force_dialect) {
            (Dialect::Xt, _) => Readable::Yes,
            (Dialect::Native, false) => Readable::No,
            (Dialect::Native, true) => Readable::NoForced,
        };
        let mut counts = Vec::new();
        let mut look = each(snapshot, |family, seen| {
            let options = Options { jumps, canary: canary(&family), kube_proxy, readable };
            let Some(want) = self.wanted.of(family) else { return Delta::default() };
            let mut delta = diff(want, &seen, options);
            delta.notes.extend(sight::withheld(want, &seen));
            counts.extend(counted::counted(want, &seen));
            delta
        });
        look.counted = counts;
        self.hold_back(&mut look);
        Ok(look)
    }

    /// Takes out of the steps what is left alone.
    fn hold_back(&mut self, look: &mut Look) {
        self.hint_waited = false;
        for (family, delta) in &mut look.families {
            let Ok(delta) = delta else { continue };
            let spared = |table, chain: &ChainName| {
                let key = ChainKey { family: *family, table, chain: chain.clone() };
                let selected = self.selected.has(&key) || chains::is_canary(chain);
                !self.config.monitor.keep.has_key(&key) || !selected
            };
            let mut out = hold_back(&mut delta.steps, spared);
            if self.hint_waits {
                let hint = hold_back(&mut delta.steps, chains::is_hint);
                self.hint_waited |= !hint.is_empty();
                out.extend(hint);
            }
            look.spared.insert(*family, out);
        }
    }

    /// What our rules have counted by now, in the families that could be read; the error of one if none
    /// could. Reads those chains alone. Nothing that a pass goes by is different afterwards.
    pub fn count(&mut self) -> Result<Vec<Counted>, BackendError> {
        let want = |f: &Family| policy::policy(&self.config, self.circumstances, *f);
        let wants: Vec<Ruleset> = self.config.families.iter().map(want).collect();
        let chains = wants.iter().flat_map(|want| &want.chains).filter(|c| !c.rules.is_empty());
        let chains = chains.map(|c| (c.table, c.name.clone())).collect();
        let families = self.config.families.iter().copied().collect();
        let scope = Scope { families, chains, ..Scope::default() };
        if scope.chains.is_empty() {
            return Ok(vec![]);
        }
        let mut seen = self.backend.observe(&scope)?.families;
        let (mut counts, mut failed) = (None, None);
        for want in &wants {
            match seen.remove(&want.family) {
                Some(Ok(seen)) => {
                    counts.get_or_insert_with(Vec::new).extend(counted::counted(want, &seen));
                }
                Some(Err(error)) => failed = failed.or(Some(error)),
                None => {}
            }
        }
        match (counts, failed) {
            (None, Some(error)) => Err(error),
            (counts, _) => Ok(counts.unwrap_or_default()),
        }
    }

    /// Looks at all that we may have made, and says what `remove` would take. Writes nothing.
    pub fn look_for_removal(&mut self, force: bool) -> Result<Look, BackendError> {
        if !self.config.make_chains {
            return Ok(Look::nothing());
        }
        let scope: Scope = sight::removal_scope(&self.config);
        let snapshot = self.backend.observe(&scope)?;
        Ok(each(snapshot, |family, seen| {
            teardown(&policy::removable(&self.config, family), &seen, force)
        }))
    }
}

fn each(
    snapshot: Snapshot,
    mut delta: impl FnMut(Family, chainkeeper_contract::Observed) -> Delta,
) -> Look {
    let (generation, families) = (snapshot.generation, snapshot.families);
    let families =
        families.into_iter().map(|(f, seen)| (f, seen.map(|seen| delta(f, seen)))).collect();
    Look { generation, families, ..Look::nothing() }
}

//! From the first loss until nothing is missing.
use super::News;
use crate::damage::{ChainKey, Damage};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something is missing.
#[derive(Debug, Clone, Default)]
pub(super) struct Gap {
    /// What is missing now.
    pub(super) damage: Damage,
    /// What was missing of it at worst.
    pub(super) worst: Damage,
    /// For each chain of it, the first commit that may have done it.
    pub(super) chains: BTreeMap<ChainKey, Duration>,
    /// The last time that more was missing than before.
    pub(super) grew: Duration,
    /// Of that it has been said that it would be mended.
    pub(super) told: Damage,
}

impl Gap {
    pub(super) fn has(&self, key: &ChainKey) -> bool {
        self.chains.contains_key(key)
    }

    /// Nothing has been said yet of what is missing now.
    pub(super) fn untold(&self) -> bool {
        self.damage.exceeds(&self.told)
    }

    /// Takes out what was mended; returns it as it was at worst, and since when.
    pub(super) fn mended(&mut self, chains: &BTreeSet<ChainKey>) -> Option<(Damage, Duration)> {
        let gone = chains.iter().filter_map(|key| self.worst.0.remove_entry(key)).collect();
        self.damage.0.retain(|key, _| !chains.contains(key));
        let since = chains.iter().filter_map(|key| self.chains.remove(key)).min();
        Some((Damage(gone), since?))
    }
}

/// What a look has found in the place of what was missing before. `since`: the first news that what is new
/// may be of.
pub(super) fn update(
    gap: &mut Option<Gap>,
    damage: Damage,
    kept: bool,
    since: Duration,
    news: &mut Vec<News>,
) {
    if damage.is_empty() {
        let Some(Gap { worst, chains, .. }) = gap.take() else { return };
        let since = chains.into_values().min().unwrap_or(since);
        news.push(News::Returned { kept, since, damage: worst });
        return;
    }
    let first = gap.is_none();
    let old = gap.get_or_insert_default();
    old.chains.retain(|key, _| damage.0.contains_key(key));
    for key in damage.0.keys() {
        old.chains.entry(key.clone()).or_insert(since);
    }
    if damage.exceeds(&old.damage) {
        old.grew = since;
        old.worst.join(&damage);
        news.push(News::Damaged { kept, first });
    }
    old.damage = damage;
}

//! Who took something, by the name that the kernel tells. Anybody may choose a name, so they are bounded.
use crate::story::Suspects;
use std::collections::BTreeMap;

/// Names that get a series of their own, as they come.
const MOST: usize = 20;
/// All others.
const OTHER: &str = "other";
/// Nobody could be named alone.
const UNKNOWN: &str = "unknown";

/// How often each.
#[derive(Debug, Default)]
pub(super) struct Culprits(BTreeMap<String, u64>);

impl Culprits {
    /// One of these did it.
    pub(super) fn took(&mut self, by: &Suspects) {
        let name = by.alone().filter(|name| !name.is_empty()).unwrap_or(UNKNOWN);
        let own = |name: &&String| ![OTHER, UNKNOWN].contains(&name.as_str());
        let full = self.0.keys().filter(own).count() >= MOST;
        let name = match self.0.contains_key(name) || name == UNKNOWN || !full {
            true => name,
            false => OTHER,
        };
        *self.0.entry(name.to_owned()).or_default() += 1;
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, u64)> {
        self.0.iter().map(|(name, count)| (name, *count))
    }
}

//! What to look at.
use crate::names::{ChainName, Family, Hook, Table};
use crate::ruleset::Ruleset;
use std::collections::{BTreeMap, BTreeSet};

/// What to look at. Nothing outside of it is read, so an idle pass costs the same on any host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Families to look at.
    pub families: BTreeSet<Family>,
    /// Chains whose rules are read.
    pub chains: BTreeSet<(Table, ChainName)>,
    /// Built-in chains whose rules are read, with the chains we jump to from there. What stands well behind
    /// those jumps may be left out, but for `references`.
    pub hooks: BTreeMap<(Table, Hook), BTreeSet<ChainName>>,
    /// Chains of which only the existence matters; their rules are not read.
    pub presence: BTreeSet<(Table, ChainName)>,
    /// Also find every rule that jumps to one of `chains`, and read built-in chains to their end.
    /// Costs up to a full dump of the tables; for `remove` and `report` only.
    pub references: bool,
    /// Also find a rule of somebody else that iptables-nft reads. Costs a full dump of each table with a
    /// hook; for those only whose own rules would hide a table from iptables-nft.
    pub neighbours: bool,
}

impl Scope {
    /// The scope that covers all of these rulesets.
    pub fn of<'a>(rulesets: impl IntoIterator<Item = &'a Ruleset>) -> Scope {
        let mut scope = Scope::default();
        for set in rulesets {
            scope.families.insert(set.family);
            scope.chains.extend(set.chains.iter().map(|c| (c.table, c.name.clone())));
            for canary in &set.canaries {
                scope.chains.insert((canary.table, canary.shared.clone()));
                scope.chains.insert((canary.table, canary.own.clone()));
            }
            for jump in &set.jumps {
                scope.hooks.entry((jump.table, jump.hook)).or_default().insert(jump.to.clone());
            }
        }
        scope
    }
}

//! What one family should hold.
use crate::names::{ChainName, Family, Hook, Table};
use crate::rule::Rule;

/// A chain that should exist with these rules, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Chain {
    /// The table it lives in.
    pub table: Table,
    /// Its name.
    pub name: ChainName,
    /// Its rules; empty for the hint.
    pub rules: Vec<Rule>,
    /// Other lists of rules that do the same together: in place as well, never written.
    pub instead: Vec<Vec<Rule>>,
    /// Rules of ours that now live elsewhere: they go from a chain that carries our mark.
    pub retired: Vec<Rule>,
}

/// A jump that should be found in a built-in chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Jump {
    /// The table of both chains.
    pub table: Table,
    /// Where it jumps from.
    pub hook: Hook,
    /// The chain it jumps to.
    pub to: ChainName,
    /// The whole rule; its action is `Jump(to)`.
    pub rule: Rule,
}

/// A canary chain: empty, there only to be missed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Canary {
    /// The table it watches.
    pub table: Table,
    /// The name to use while nobody else does (`KUBE-KUBELET-CANARY`).
    pub shared: ChainName,
    /// The name to use where somebody else's `shared` is there already.
    pub own: ChainName,
}

/// "These rules act on what that chain marks": one must not be removed without the other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Partner {
    /// The chain that sets a mark.
    pub marks: (Table, ChainName),
    /// The chain that acts on it.
    pub acts: (Table, ChainName),
    /// The rules of `acts` that do.
    pub rules: Vec<Rule>,
}

/// Everything one family should hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Ruleset {
    /// Which family.
    pub family: Family,
    /// User chains with their rules.
    pub chains: Vec<Chain>,
    /// Jumps from built-in chains.
    pub jumps: Vec<Jump>,
    /// Canaries, one for each table.
    pub canaries: Vec<Canary>,
    /// Mark chains and those who act on the mark.
    pub partners: Vec<Partner>,
}

impl Ruleset {
    /// A ruleset that asks for nothing.
    pub fn empty(family: Family) -> Ruleset {
        let (chains, jumps, canaries, partners) = Default::default();
        Ruleset { family, chains, jumps, canaries, partners }
    }

    /// The wanted chain of that name.
    pub fn chain(&self, table: Table, name: &ChainName) -> Option<&Chain> {
        self.chains.iter().find(|c| c.table == table && c.name == *name)
    }

    /// True when a rule of that chain (or hook) equal to `rule` is one that we want there.
    pub fn wants(&self, table: Table, chain: &ChainName, rule: &Rule) -> bool {
        let forms =
            |c: &Chain| c.rules.iter().chain(c.instead.iter().flatten()).any(|r| r.means(rule));
        self.chain(table, chain).is_some_and(forms)
            || self
                .jumps
                .iter()
                .any(|j| j.table == table && j.hook.name() == chain.as_str() && j.rule.means(rule))
    }
}

//! What is missing or wrong, chain by chain, as the monitor and the story need it. Pure.
use chainkeeper_contract::{Action, ChainName, Family, Hook, Rule, Step, Table, Why};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A chain of a family. Jumps to it belong to it, wherever they stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChainKey {
    /// Its family.
    pub family: Family,
    /// Its table.
    pub table: Table,
    /// Its name.
    pub chain: ChainName,
}

impl fmt::Display for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.family, self.table, self.chain)
    }
}

/// What one chain lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The chain itself is not there.
    pub absent: bool,
    /// So many of its rules are not.
    pub rules: usize,
    /// So many jumps to it are not.
    pub jumps: usize,
    /// All is there, but not as it should be: another order, something in between, something twice.
    pub changed: bool,
}

impl Loss {
    /// Nothing is taken that `other` has not.
    fn within(&self, other: &Loss) -> bool {
        (!self.absent || other.absent)
            && self.rules <= other.rules
            && self.jumps <= other.jumps
            && (!self.changed || other.changed)
    }

    fn add(&mut self, other: &Loss) {
        self.absent |= other.absent;
        self.rules = self.rules.max(other.rules);
        self.jumps = self.jumps.max(other.jumps);
        self.changed |= other.changed;
    }
}

impl fmt::Display for Loss {
    /// `chain, 1 rule, 2 jumps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: usize, what: &str| (n > 0).then(|| plural(n, what));
        let parts = [
            self.absent.then(|| "chain".to_owned()),
            count(self.rules, "rule"),
            count(self.jumps, "jump"),
            self.changed.then(|| "changed".to_owned()),
        ];
        write!(f, "{}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// `1 rule`, `2 rules`.
pub fn plural(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Some chains of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These.
    Only(BTreeSet<ChainKey>),
    /// All others.
    AllBut(BTreeSet<ChainKey>),
}

impl Selection {
    /// The chain is among them.
    pub fn has(&self, key: &ChainKey) -> bool {
        match self {
            Selection::Only(these) => these.contains(key),
            Selection::AllBut(others) => !others.contains(key),
        }
    }
}

impl Default for Selection {
    /// Every chain.
    fn default() -> Selection {
        Selection::AllBut(BTreeSet::new())
    }
}

/// What all chains lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage(pub BTreeMap<ChainKey, Loss>);

impl Damage {
    /// What the steps of a family would mend. Canaries are no damage: look without writing them.
    pub fn add<'a>(&mut self, family: Family, steps: impl IntoIterator<Item = &'a Step>) {
        for step in steps {
            let Some((table, chain)) = concerns(step) else { continue };
            let loss = self.0.entry(ChainKey { family, table, chain }).or_default();
            match step {
                Step::CreateChain { .. } => loss.absent = true,
                Step::Rewrite { new, .. } => match new.iter().filter(|new| **new).count() {
                    0 => loss.changed = true,
                    missing => loss.rules += missing,
                },
                Step::Insert { why: Why::Absent, .. } => loss.jumps += 1,
                Step::Insert { .. } | Step::Remove { .. } | Step::DeleteChain { .. } => {
                    loss.changed = true;
                }
                Step::EnsureTable { .. } | Step::EnsureHook { .. } => {}
            }
        }
    }

    /// Nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Something is missing that was not in `before`.
    pub fn exceeds(&self, before: &Damage) -> bool {
        let within =
            |(key, loss): (&ChainKey, &Loss)| before.0.get(key).is_some_and(|b| loss.within(b));
        !self.0.iter().all(within)
    }

    /// Takes in what else is missing.
    pub fn join(&mut self, other: &Damage) {
        for (key, loss) in &other.0 {
            self.0.entry(key.clone()).or_default().add(loss);
        }
    }
}

/// The chain that a step is about; a jump is about where it leads. Tables and built-in chains are made
/// along with what needs them.
pub fn concerns(step: &Step) -> Option<(Table, ChainName)> {
    let led = |rule: &Rule| match &rule.action {
        Action::Jump(to) => Some(to.clone()),
        Action::Drop | Action::Return | Action::Mark { .. } | Action::Masquerade { .. } => None,
    };
    match step {
        Step::EnsureTable { .. } | Step::EnsureHook { .. } => None,
        Step::CreateChain { table, chain }
        | Step::Rewrite { table, chain, .. }
        | Step::DeleteChain { table, chain, .. } => Some((*table, chain.clone())),
        Step::Insert { table, rule, .. } => Some((*table, led(rule)?)),
        Step::Remove { table, chain, rule, .. } => {
            Some((*table, led(rule).unwrap_or_else(|| chain.clone())))
        }
    }
}

/// Takes those steps out of `steps` whose chain is held, and with them what only they need.
pub fn hold_back(steps: &mut Vec<Step>, held: impl Fn(Table, &ChainName) -> bool) -> Vec<Step> {
    let is_held = |s: &Step| concerns(s).is_some_and(|(table, chain)| held(table, &chain));
    let (out, mut left): (Vec<Step>, Vec<Step>) = steps.drain(..).partition(is_held);
    let jump = |s: &Step| {
        let Step::Insert { table, hook, .. } = s else { return None };
        Some((*table, *hook))
    };
    let jumped: BTreeSet<(Table, Hook)> = left.iter().filter_map(jump).collect();
    let unused = |place| !jumped.contains(&place);
    left.retain(|s| !matches!(s, Step::EnsureHook { table, hook } if unused((*table, *hook))));
    let of_table = |s: &&Step| matches!(s, Step::EnsureTable { .. });
    let used: BTreeSet<Table> = left.iter().filter(|s| !of_table(s)).map(Step::table).collect();
    left.retain(|s| !matches!(s, Step::EnsureTable { table } if !used.contains(table)));
    *steps = left;
    out
}

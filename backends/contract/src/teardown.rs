//! What `remove` may take: what carries our mark or a name that is ours alone, and nothing that somebody still
//! needs.
use crate::diff::{Delta, Note, Problem};
use crate::meaning::{Owned, Rules};
use crate::names::{ChainName, Handle, Table};
use crate::observed::{ChainSeen, Observed, Reference, RuleSeen};
use crate::plan::Step;
use crate::rule::Rule;
use crate::ruleset::{Chain, Jump, Partner, Ruleset};
use std::collections::{BTreeMap, BTreeSet};

type Key = (Table, ChainName);

/// Why a chain stays (its jumps stay with it), and which of our rules in it.
struct Kept {
    why: String,
    rules: Vec<Rule>,
}

/// A chain that we may take.
struct Ours<'a> {
    chain: &'a ChainSeen,
    /// The rules in it that are ours.
    rules: Vec<(&'a RuleSeen, &'a Rule)>,
    /// The first one that is not.
    foreign: Option<&'a RuleSeen>,
}

struct Teardown<'a> {
    want: &'a Ruleset,
    seen: &'a Observed,
    /// Our jumps as found in built-in chains.
    jumps: Vec<(&'a Jump, Handle)>,
    ours: BTreeMap<Key, Ours<'a>>,
    /// Those of them that stay all the same.
    kept: BTreeMap<Key, Kept>,
    delta: Delta,
}

/// What to do so that nothing of ours is left. `want` names everything that any configuration of
/// ours may have made; `seen` must have been observed with [`crate::Scope::references`].
/// With `force`, every chain of `want` counts as ours.
pub fn teardown(want: &Ruleset, seen: &Observed, force: bool) -> Delta {
    let (ours, kept, delta) = Default::default();
    let mut work = Teardown { want, seen, jumps: jumps(want, seen), ours, kept, delta };
    work.candidates(force);
    work.keep_holders_of_foreign_rules();
    work.keep_referenced();
    work.keep_partners();
    work.remove_jumps();
    work.remove_rules();
    work.delete_chains();
    work.delta
}

impl<'a> Teardown<'a> {
    fn candidates(&mut self, force: bool) {
        for (table, found) in &self.seen.tables {
            let named = named(self.want, *table);
            let proven = |name: &ChainName, c: &ChainSeen| c.ours || name.is_ours_alone();
            let any = found.chains.iter().any(|(n, c)| named.contains_key(n) && proven(n, c));
            if let Some(port) = found.owner {
                self.delta.problems.extend(any.then_some(Problem::Owned { table: *table, port }));
                continue;
            }
            for (name, chain) in &found.chains {
                let Some(want) = named.get(name) else { continue };
                if chain.base.is_none() && (force || proven(name, chain)) {
                    self.ours.insert((*table, name.clone()), ours(*want, chain));
                } else {
                    let why = "nothing proves that we made it; --force takes it".to_owned();
                    let chain = name.clone();
                    self.delta.notes.push(Note::Kept { table: *table, chain, why });
                }
            }
        }
    }

    /// A chain with a rule of somebody else stays, and so do the jumps that bring packets to it.
    fn keep_holders_of_foreign_rules(&mut self) {
        for (key, ours) in &self.ours {
            if let Some(rule) = ours.foreign {
                let why = format!("it holds a rule that is not ours: {}", rule.outline().text);
                self.kept.insert(key.clone(), Kept { why, rules: vec![] });
            }
        }
    }

    /// A chain that somebody's rule jumps to stays, with its rules, or that rule would mean less.
    fn keep_referenced(&mut self) {
        let theirs = self.foreign_references();
        for (key, ours) in &self.ours {
            let Some(theirs) = theirs.get(&(key.0, &key.1)) else { continue };
            let Some(first) = theirs.first() else { continue };
            let (n, s) = (theirs.len(), if theirs.len() == 1 { "" } else { "s" });
            let why = format!("{} jumps to it, {n} rule{s}: {}", first.from, first.text);
            self.kept.insert(key.clone(), Kept { why, rules: all_rules(ours.chain) });
        }
    }

    /// What is not our jump, by the chain that it leads to.
    fn foreign_references(&self) -> BTreeMap<(Table, &'a ChainName), Vec<&'a Reference>> {
        let own: BTreeSet<_> =
            self.jumps.iter().map(|(j, handle)| (j.table, j.hook.name(), *handle)).collect();
        let mut theirs: BTreeMap<_, Vec<&Reference>> = BTreeMap::new();
        for (table, found) in &self.seen.tables {
            let foreign = |r: &&Reference| !own.contains(&(*table, r.from.as_str(), r.handle));
            for reference in found.references.iter().filter(foreign) {
                theirs.entry((*table, &reference.to)).or_default().push(reference);
            }
        }
        theirs
    }

    /// What acts on the marks of a mark chain that stays (kept, or never ours to take) stays too:
    /// a mark that nobody acts on is worse than none.
    fn keep_partners(&mut self) {
        let want = self.want;
        for Partner { marks, acts, rules } in &want.partners {
            let exists = self.seen.chain(marks.0, &marks.1).is_some();
            let stays = exists && (self.kept.contains_key(marks) || !self.ours.contains_key(marks));
            if !stays {
                continue;
            }
            if let (Some(kept), Some(ours)) = (self.kept.get_mut(marks), self.ours.get(marks)) {
                kept.rules = all_rules(ours.chain);
            }
            let acting = |c: &ChainSeen| {
                let rule = |r: &Rule| rules.iter().any(|k| k.means(r) || k.differs_only_in_bit(r));
                c.rules.iter().any(|s| s.rule().is_some_and(rule))
            };
            if self.ours.get(acts).is_some_and(|ours| acting(ours.chain)) {
                let why = format!("{} stays, and its marks must still mean something", marks.1);
                let kept = self.kept.entry(acts.clone()).or_insert(Kept { why, rules: vec![] });
                kept.rules.extend(rules.iter().cloned());
            }
        }
    }

    fn remove_jumps(&mut self) {
        for (jump, handle) in &self.jumps {
            let to = (jump.table, jump.to.clone());
            if self.ours.contains_key(&to) && !self.kept.contains_key(&to) {
                let (table, chain) = (jump.table, jump.hook.chain());
                let (handle, rule) = (*handle, jump.rule.clone());
                self.delta.steps.push(Step::Remove { table, chain, handle, rule });
            }
        }
    }

    /// Takes our rules out of our chains, all but those that must stay.
    fn remove_rules(&mut self) {
        for (key, ours) in &self.ours {
            let kept: Rules<'_> = self.kept.get(key).iter().flat_map(|k| &k.rules).collect();
            for (seen, rule) in &ours.rules {
                if !kept.mean(rule) && !kept.differ_only_in_bit(rule) {
                    let (table, chain) = key.clone();
                    let (handle, rule) = (seen.handle, (*rule).clone());
                    self.delta.steps.push(Step::Remove { table, chain, handle, rule });
                }
            }
        }
    }

    fn delete_chains(&mut self) {
        for ((table, name), ours) in &self.ours {
            let (table, chain) = (*table, name.clone());
            match self.kept.get(&(table, chain.clone())) {
                None => {
                    let handle = ours.chain.handle;
                    self.delta.steps.push(Step::DeleteChain { table, chain, handle });
                }
                Some(kept) => {
                    let why = kept.why.clone();
                    self.delta.notes.push(Note::Kept { table, chain, why });
                }
            }
        }
    }
}

/// Every copy of each. We never put a jump into a chain that is not iptables' own.
fn jumps<'a>(want: &'a Ruleset, seen: &Observed) -> Vec<(&'a Jump, Handle)> {
    let mut hooks = BTreeMap::new();
    let mut out = Vec::new();
    for jump in &want.jumps {
        let Some(hook) = seen.chain(jump.table, &jump.hook.chain()) else { continue };
        if !is_built_in(hook) {
            continue;
        }
        let found = hooks.entry((jump.table, jump.hook)).or_insert_with(|| hook.jumps());
        for old in found.get(&jump.to).into_iter().flatten().map(|place| &hook.rules[*place]) {
            if old.rule().is_some_and(|rule| jump.rule.means(rule)) {
                out.push((jump, old.handle));
            }
        }
    }
    out
}

/// What is ours in a chain, and whether all of it is.
fn ours<'a>(want: Option<&Chain>, chain: &'a ChainSeen) -> Ours<'a> {
    let owned = Owned::of(want.map_or(&[], |want| &want.rules), &chain.rules);
    let (mut rules, mut foreign) = (Vec::new(), None);
    for seen in &chain.rules {
        match seen.rule().filter(|rule| owned.has(rule)) {
            Some(rule) => rules.push((seen, rule)),
            None => drop(foreign.get_or_insert(seen)),
        }
    }
    Ours { chain, rules, foreign }
}

fn is_built_in(chain: &ChainSeen) -> bool {
    chain.base.as_ref().is_some_and(|b| b.standard)
}

fn all_rules(chain: &ChainSeen) -> Vec<Rule> {
    chain.rules.iter().filter_map(RuleSeen::rule).cloned().collect()
}

/// The chains of a table that some configuration of ours makes; canaries hold no rules.
fn named(want: &Ruleset, table: Table) -> BTreeMap<&ChainName, Option<&Chain>> {
    let canaries = want.canaries.iter().filter(|c| c.table == table);
    let mut named: BTreeMap<_, _> =
        canaries.flat_map(|c| [&c.shared, &c.own]).map(|name| (name, None)).collect();
    for chain in want.chains.iter().filter(|c| c.table == table) {
        named.entry(&chain.name).or_insert(None).get_or_insert(chain);
    }
    named
}

//! What `remove` may take: what carries our mark, and nothing that somebody still needs.
use crate::diff::{Delta, Note, Problem};
use crate::names::{ChainName, Table};
use crate::observed::{ChainSeen, Observed, Reference, RuleSeen};
use crate::plan::Step;
use crate::rule::Rule;
use crate::ruleset::{Partner, Ruleset};
use std::collections::BTreeMap;

type Key = (Table, ChainName);

/// Why a chain stays (its jumps stay with it), and which of our rules in it.
struct Kept {
    why: String,
    rules: Vec<Rule>,
}

struct Teardown<'a> {
    want: &'a Ruleset,
    seen: &'a Observed,
    /// Chains that we may take.
    ours: BTreeMap<Key, &'a ChainSeen>,
    /// Those of them that stay all the same.
    kept: BTreeMap<Key, Kept>,
    delta: Delta,
}

/// What to do so that nothing of ours is left. `want` names everything that any configuration of
/// ours may have made; `seen` must have been observed with [`crate::Scope::references`].
/// With `force`, chains that lack our mark count as ours too.
pub fn teardown(want: &Ruleset, seen: &Observed, force: bool) -> Delta {
    let (ours, kept, delta) = Default::default();
    let mut work = Teardown { want, seen, ours, kept, delta };
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
            let any = found.chains.iter().any(|(n, c)| named(self.want, *table, n) && c.ours);
            if let Some(port) = found.owner {
                self.delta.problems.extend(any.then_some(Problem::Owned { table: *table, port }));
                continue;
            }
            let named = found.chains.iter().filter(|(n, _)| named(self.want, *table, n));
            for (name, chain) in named {
                if chain.base.is_none() && (chain.ours || force) {
                    self.ours.insert((*table, name.clone()), chain);
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
        for (key, chain) in &self.ours {
            if let Some(rule) = chain.rules.iter().find(|r| !self.is_ours(key, r)) {
                let why = format!("it holds a rule that is not ours: {}", rule.outline().text);
                self.kept.insert(key.clone(), Kept { why, rules: vec![] });
            }
        }
    }

    /// A chain that somebody's rule jumps to stays, with its rules, or that rule would mean less.
    fn keep_referenced(&mut self) {
        for (key, chain) in &self.ours {
            let theirs = self.foreign_references(key);
            let Some(first) = theirs.first() else { continue };
            let (n, s) = (theirs.len(), if theirs.len() == 1 { "" } else { "s" });
            let why = format!("{} jumps to it, {n} rule{s}: {}", first.from, first.text);
            self.kept.insert(key.clone(), Kept { why, rules: all_rules(chain) });
        }
    }

    fn foreign_references(&self, (table, name): &Key) -> Vec<&'a Reference> {
        let Some(found) = self.seen.tables.get(table) else { return vec![] };
        let own_jump = |r: &Reference| {
            let from = found.chains.get(&r.from).filter(|c| is_built_in(c));
            let from = from.map_or(&[][..], |c| &c.rules);
            let rule = from.iter().find(|s| s.handle == r.handle).and_then(RuleSeen::rule);
            self.want.jumps.iter().any(|j| {
                j.table == *table
                    && j.hook.name() == r.from.as_str()
                    && rule.is_some_and(|r| j.rule.means(r))
            })
        };
        found.references.iter().filter(|r| r.to == *name && !own_jump(r)).collect()
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
            if let (Some(kept), Some(chain)) = (self.kept.get_mut(marks), self.ours.get(marks)) {
                kept.rules = all_rules(chain);
            }
            let acting = |c: &ChainSeen| {
                let rule = |r: &Rule| rules.iter().any(|k| k.means(r) || k.differs_only_in_bit(r));
                c.rules.iter().any(|s| s.rule().is_some_and(rule))
            };
            if self.ours.get(acts).is_some_and(|c| acting(c)) {
                let why = format!("{} stays, and its marks must still mean something", marks.1);
                let kept = self.kept.entry(acts.clone()).or_insert(Kept { why, rules: vec![] });
                kept.rules.extend(rules.iter().cloned());
            }
        }
    }

    fn remove_jumps(&mut self) {
        let want = self.want;
        for jump in &want.jumps {
            let to = (jump.table, jump.to.clone());
            let hook = self.seen.chain(jump.table, &jump.hook.chain()).filter(|c| is_built_in(c));
            let Some(hook) = hook else { continue };
            if self.kept.contains_key(&to) || !self.ours.contains_key(&to) {
                continue;
            }
            let equal = |r: &&RuleSeen| r.rule().is_some_and(|r| jump.rule.means(r));
            for old in hook.rules.iter().filter(equal) {
                let (table, chain) = (jump.table, jump.hook.chain());
                let (handle, rule) = (old.handle, jump.rule.clone());
                self.delta.steps.push(Step::Remove { table, chain, handle, rule });
            }
        }
    }

    /// Takes our rules out of our chains, all but those that must stay.
    fn remove_rules(&mut self) {
        let mut steps = Vec::new();
        for (key, chain) in &self.ours {
            let kept = self.kept.get(key).map_or(&[][..], |k| &k.rules);
            for seen in chain.rules.iter().filter(|r| self.is_ours(key, r)) {
                let Some(rule) = seen.rule() else { continue };
                if !kept.iter().any(|k| k.means(rule) || k.differs_only_in_bit(rule)) {
                    let (table, chain) = key.clone();
                    let (handle, rule) = (seen.handle, rule.clone());
                    steps.push(Step::Remove { table, chain, handle, rule });
                }
            }
        }
        self.delta.steps.append(&mut steps);
    }

    fn delete_chains(&mut self) {
        for ((table, name), found) in &self.ours {
            let (table, chain) = (*table, name.clone());
            match self.kept.get(&(table, chain.clone())) {
                None => {
                    let handle = found.handle;
                    self.delta.steps.push(Step::DeleteChain { table, chain, handle });
                }
                Some(kept) => {
                    let why = kept.why.clone();
                    self.delta.notes.push(Note::Kept { table, chain, why });
                }
            }
        }
    }

    /// A rule that is ours in that chain, see [`crate::Chain::owns`].
    fn is_ours(&self, (table, chain): &Key, seen: &RuleSeen) -> bool {
        let Some(rule) = seen.rule() else { return false };
        let found = self.seen.chain(*table, chain);
        let want = self.want.chain(*table, chain);
        want.zip(found).is_some_and(|(want, found)| want.owns(found, rule))
    }
}

/// We never put a jump into a chain that is not iptables' own.
fn is_built_in(chain: &ChainSeen) -> bool {
    chain.base.as_ref().is_some_and(|b| b.standard)
}

fn all_rules(chain: &ChainSeen) -> Vec<Rule> {
    chain.rules.iter().filter_map(RuleSeen::rule).cloned().collect()
}

/// True when some configuration of ours makes a chain of that name.
fn named(want: &Ruleset, table: Table, name: &ChainName) -> bool {
    want.chain(table, name).is_some()
        || want.canaries.iter().any(|c| c.table == table && (c.shared == *name || c.own == *name))
}

//! One of our chains: are its rules there, in order, with nothing harmful between them?
use super::{Delta, Note, Options, Problem, Readable};
use crate::meaning::{Owned, Rules};
use crate::names::Handle;
use crate::observed::{ChainSeen, Observed, Outline, RuleSeen};
use crate::plan::{Place, Step, Why};
use crate::rule::Rule;
use crate::ruleset::Chain;
use std::borrow::Cow;

/// Creates the chain if it is missing. All chains come before all rules: a rule may jump to any.
pub(super) fn create(want: &Chain, seen: &Observed, out: &mut Delta) {
    if seen.chain(want.table, &want.name).is_none() {
        out.steps.push(Step::CreateChain { table: want.table, chain: want.name.clone() });
    }
}

/// Brings the chain's rules in place.
pub(super) fn rules(want: &Chain, seen: &Observed, options: Options, out: &mut Delta) {
    let Some(found) = seen.chain(want.table, &want.name) else {
        if !want.rules.is_empty() {
            let new = vec![true; want.rules.len()];
            out.steps.push(rewrite(want, &[], &[], new, Why::Absent));
        }
        return;
    };
    if let Some(base) = &found.base {
        let (table, chain) = (want.table, want.name.clone());
        out.problems.push(Problem::BaseChain { table, chain, found: base.text.clone() });
        return;
    }
    let want = &*form(want, found);
    let owned = Owned::of(&want.rules, &found.rules);
    let other_bit = positions(found, |r| owned.earlier(r));
    if let Some(theirs) = other_bit.first()
        && (options.kube_proxy || !found.ours)
    {
        let theirs = found.rules[*theirs].outline().text;
        let (table, chain) = (want.table, want.name.clone());
        out.problems.push(Problem::OtherBit { table, chain, theirs });
        return;
    }
    let ours = positions(found, |r| owned.wanted.mean(r));
    // In a chain that we made, a rule of ours in a form that iptables-nft cannot read is our own work.
    let unreadable = found.ours
        && options.readable == Readable::Yes
        && ours.iter().any(|i| found.rules[*i].unreadable);
    let new = || want.rules.iter().map(|rule| owned.missing.mean(rule)).collect();
    match in_order(&want.rules, &found.rules, &owned) {
        Ok(_) if unreadable => {
            out.steps.push(rewrite(want, &found.rules, &ours, new(), Why::Unreadable));
        }
        Ok(kept) => keep(want, found, &ours, &kept, out),
        Err(why) => {
            let why = match (other_bit.is_empty(), unreadable) {
                (false, _) => Why::OtherBit,
                (true, true) => Why::Unreadable,
                (true, false) => why,
            };
            let mut remove = [ours, other_bit].concat();
            remove.sort_unstable();
            out.steps.push(rewrite(want, &found.rules, &remove, new(), why));
        }
    }
    retire(want, found, out); // last: ours may have been put before such a rule
}

/// The wanted chain, in another form if that one is in place: somebody keeps it so, and would write it
/// again.
fn form<'a>(want: &'a Chain, found: &ChainSeen) -> Cow<'a, Chain> {
    let there =
        |rules: &Vec<Rule>| in_order(rules, &found.rules, &Owned::of(rules, &found.rules)).is_ok();
    match want.instead.iter().find(|rules| !there(&want.rules) && there(rules)) {
        Some(rules) => Cow::Owned(Chain { rules: rules.clone(), ..want.clone() }),
        None => Cow::Borrowed(want),
    }
}

/// What we wrote here in another situation goes, if the chain proves that it was us.
fn retire(want: &Chain, found: &ChainSeen, out: &mut Delta) {
    for old in retired(want, found).into_iter().map(|i| &found.rules[i]) {
        let (table, chain, handle) = (want.table, want.name.clone(), old.handle);
        out.steps.extend(old.rule().cloned().map(|rule| Step::Remove {
            table,
            chain,
            handle,
            rule,
        }));
    }
}

fn retired(want: &Chain, found: &ChainSeen) -> Vec<usize> {
    let retired: Rules<'_> = want.retired.iter().filter(|_| found.ours).collect();
    positions(found, |r| retired.mean(r) || retired.differ_only_in_bit(r))
}

fn positions(found: &ChainSeen, is: impl Fn(&Rule) -> bool) -> Vec<usize> {
    let rules = found.rules.iter().enumerate();
    rules.filter(|(_, r)| r.rule().is_some_and(&is)).map(|(i, _)| i).collect()
}

/// The places of our rules if they occur in order and nothing between them can change the outcome.
/// The first fitting copy of each is taken; what is left over is surplus.
fn in_order(want: &[Rule], found: &[RuleSeen], owned: &Owned<'_>) -> Result<Vec<usize>, Why> {
    let mut kept = Vec::with_capacity(want.len());
    let mut from = 0;
    for rule in want {
        let is = |s: &RuleSeen| s.rule().is_some_and(|r| rule.means(r));
        match found[from..].iter().position(is) {
            Some(at) => {
                kept.push(from + at);
                from += at + 1;
            }
            None => {
                return Err(match owned.missing.len() {
                    0 => Why::Order,
                    n => Why::Missing(n),
                });
            }
        }
    }
    let (Some(first), Some(last)) = (kept.first(), kept.last()) else { return Ok(kept) };
    let between =
        found[*first..*last].iter().filter(|s| !s.rule().is_some_and(|r| owned.wanted.mean(r)));
    match between.map(RuleSeen::outline).find(Outline::matters) {
        Some(outline) => Err(Why::Between(outline.text)),
        None => Ok(kept),
    }
}

/// Everything is in place: surplus copies go, foreign rules are reported.
fn keep(want: &Chain, found: &ChainSeen, ours: &[usize], kept: &[usize], out: &mut Delta) {
    // All of these lists ascend.
    let is_in = |list: &[usize], i: &usize| list.binary_search(i).is_ok();
    for surplus in ours.iter().filter(|i| !is_in(kept, i)).map(|i| &found.rules[*i]) {
        if let Some(rule) = surplus.rule() {
            out.steps.push(Step::Remove {
                table: want.table,
                chain: want.name.clone(),
                handle: surplus.handle,
                rule: rule.clone(),
            });
        }
    }
    let retired = retired(want, found);
    let foreign = (0..found.rules.len()).filter(|i| !is_in(ours, i) && !is_in(&retired, i));
    let (mut before, mut among, mut after) = (0, 0, 0);
    for i in foreign {
        match (kept.first(), kept.last()) {
            (Some(first), _) if i < *first => before += 1,
            (_, Some(last)) if i < *last => among += 1,
            (_, _) => after += 1, // also all of them, where we want no rule
        }
    }
    if before + among + after > 0 {
        let (table, chain) = (want.table, want.name.clone());
        out.notes.push(Note::Foreign { table, chain, before, among, after });
    }
}

/// Our rules (their places ascend) out by handle and in again as one block, where the first of them stood.
/// Foreign rules keep their order; those that stood between ours end up after them.
fn rewrite(want: &Chain, found: &[RuleSeen], ours: &[usize], new: Vec<bool>, why: Why) -> Step {
    let place = match ours.first() {
        Some(first) => (*first..found.len())
            .find(|i| ours.binary_search(i).is_err())
            .map_or(Place::Last, |i| Place::Before(found[i].handle)),
        None => Place::Last,
    };
    let remove: Vec<Handle> = ours.iter().map(|i| found[*i].handle).collect();
    Step::Rewrite {
        table: want.table,
        chain: want.name.clone(),
        remove,
        insert: want.rules.clone(),
        new,
        place,
        why,
    }
}

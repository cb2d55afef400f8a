//! Jumps from built-in chains: is each there, once, and does a packet get to it?
use super::{Delta, JumpPosition, Note, Options, Problem};
use crate::names::{ChainName, Hook, Table};
use crate::observed::{ChainSeen, Observed};
use crate::plan::{Place, Step, Why};
use crate::ruleset::{Jump, Ruleset};
use crate::walk::{Judgement, judge};
use std::collections::BTreeMap;

/// Brings the jumps of a table in place.
pub(super) fn table(
    want: &Ruleset,
    seen: &Observed,
    table: Table,
    options: Options,
    out: &mut Delta,
) {
    let jumps = || want.jumps.iter().filter(|j| j.table == table);
    let mut hooks: BTreeMap<Hook, Hooked<'_>> = BTreeMap::new();
    for jump in jumps() {
        if seen.chain(table, &jump.to).is_some_and(|c| c.base.is_some()) {
            continue; // reported where the chain itself is looked at
        }
        let first = !hooks.contains_key(&jump.hook);
        let hooked = hooks.entry(jump.hook).or_insert_with(|| {
            Hooked::of(
                want,
                seen,
                table,
                &jump.hook.chain(),
                jumps().filter(|j| j.hook == jump.hook),
            )
        });
        hooked.jump(jump, first, options, out);
    }
}

/// A built-in chain.
struct Hooked<'a> {
    found: Option<&'a ChainSeen>,
    jumps: BTreeMap<&'a ChainName, Vec<usize>>,
    /// What stands before each jump, by its place.
    judged: BTreeMap<usize, Judgement>,
}

impl<'a> Hooked<'a> {
    fn of(
        want: &Ruleset,
        seen: &'a Observed,
        table: Table,
        hook: &ChainName,
        wanted: impl Iterator<Item = &'a Jump>,
    ) -> Hooked<'a> {
        let found = seen.chain(table, hook);
        let jumps = found.map_or_else(BTreeMap::new, ChainSeen::jumps);
        let judged = BTreeMap::new();
        let mut hooked = Hooked { found, jumps, judged };
        let mut places: Vec<usize> = wanted.filter_map(|j| hooked.places(j).next()).collect();
        places.sort_unstable();
        if let Some(found) = found {
            let judged = judge(seen, Some(want), table, hook, &found.rules, &places);
            hooked.judged = places.into_iter().zip(judged).collect();
        }
        hooked
    }

    /// Where the jump stands, each copy.
    fn places(&self, jump: &Jump) -> impl Iterator<Item = usize> {
        let rules = self.found.map_or(&[][..], |found| &found.rules);
        let equal = |place: &usize| rules[*place].rule().is_some_and(|r| jump.rule.means(r));
        self.jumps.get(&jump.to).into_iter().flatten().copied().filter(equal)
    }

    /// `first`: no other jump of this chain came before it.
    fn jump(&self, jump: &Jump, first: bool, options: Options, out: &mut Delta) {
        let Some(found) = self.found else {
            let ensure = Step::EnsureHook { table: jump.table, hook: jump.hook };
            out.steps.extend(first.then_some(ensure));
            out.steps.push(insert(jump, Why::Absent));
            return;
        };
        if let Some(problem) = odd(jump, found) {
            out.problems.extend(first.then_some(problem));
            return;
        }
        let mut places = self.places(jump).peekable();
        let Some(judgement) = places.peek().and_then(|place| self.judged.get(place)) else {
            out.steps.push(insert(jump, Why::Absent));
            return;
        };
        match verdict(jump, judgement.clone(), options, out) {
            Some(why) => out.steps.push(insert(jump, why)),
            None => drop(places.next()),
        }
        for place in places {
            let (table, chain, rule) = (jump.table, jump.hook.chain(), jump.rule.clone());
            let handle = found.rules[place].handle;
            out.steps.push(Step::Remove { table, chain, handle, rule });
        }
    }
}

/// Says whether the jump has to move, and reports what is merely worth knowing.
fn verdict(jump: &Jump, judgement: Judgement, options: Options, out: &mut Delta) -> Option<Why> {
    let (table, chain, to) = (jump.table, jump.hook.chain(), jump.to.clone());
    match judgement {
        Judgement::Effective => None,
        Judgement::Unreached(by) => Some(Why::Unreached(by)),
        Judgement::Shadowed(by) if options.jumps == JumpPosition::First => Some(Why::Unreached(by)),
        Judgement::Shadowed(by) => {
            out.notes.push(Note::Shadowed { table, chain, to, by });
            None
        }
        Judgement::NotJudged(why) => {
            out.notes.push(Note::NotJudged { table, chain, to, why });
            None
        }
        Judgement::Needs(other) => {
            let why = format!("{other} was not read");
            out.notes.push(Note::NotJudged { table, chain, to, why });
            None
        }
    }
}

fn insert(jump: &Jump, why: Why) -> Step {
    let (table, hook, rule) = (jump.table, jump.hook, jump.rule.clone());
    Step::Insert { table, hook, rule, place: Place::First, why }
}

fn odd(jump: &Jump, found: &ChainSeen) -> Option<Problem> {
    let found = match &found.base {
        Some(base) if base.standard => return None,
        Some(base) => base.text.clone(),
        None => "a regular chain".to_owned(),
    };
    Some(Problem::OddHook { table: jump.table, chain: jump.hook.chain(), found })
}

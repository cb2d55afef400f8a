//! One jump from a built-in chain: is it there, once, and does a packet get to it?
use super::{Delta, JumpPosition, Note, Options, Problem};
use crate::observed::{ChainSeen, Observed, RuleSeen};
use crate::plan::{Place, Step, Why};
use crate::ruleset::{Jump, Ruleset};
use crate::walk::{Judgement, judge};

pub(super) fn jump(
    jump: &Jump,
    want: &Ruleset,
    seen: &Observed,
    options: Options,
    out: &mut Delta,
) {
    if seen.chain(jump.table, &jump.to).is_some_and(|c| c.base.is_some()) {
        return; // reported where the chain itself is looked at
    }
    let hook = jump.hook.chain();
    let Some(found) = seen.chain(jump.table, &hook) else {
        let ensure = Step::EnsureHook { table: jump.table, hook: jump.hook };
        if !out.steps.contains(&ensure) {
            out.steps.push(ensure);
        }
        out.steps.push(insert(jump, Why::Absent));
        return;
    };
    if let Some(problem) = odd(jump, found) {
        if !out.problems.contains(&problem) {
            out.problems.push(problem);
        }
        return;
    }
    let equal = |r: &RuleSeen| r.rule().is_some_and(|r| jump.rule.means(r));
    let Some(first) = found.rules.iter().position(equal) else {
        out.steps.push(insert(jump, Why::Absent));
        return;
    };
    let judgement = judge(seen, Some(want), jump.table, &hook, &found.rules[..first]);
    let surplus = match verdict(jump, judgement, options, out) {
        Some(why) => {
            out.steps.push(insert(jump, why));
            first
        }
        None => first + 1,
    };
    let table = jump.table;
    for old in found.rules[surplus..].iter().filter(|r| equal(r)) {
        let (chain, rule) = (hook.clone(), jump.rule.clone());
        out.steps.push(Step::Remove { table, chain, handle: old.handle, rule });
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

//! What every backend must do, as cases that run on the fake and on real kernels alike.
use super::random::{Outside, drift};
use super::{Dice, full, random};
use crate::backend::Backend;
use crate::diff::{Delta, Options, Readable, diff};
use crate::error::ErrorKind;
use crate::names::{ChainName, Family, Handle, Table};
use crate::observed::{Observed, RuleSeen, Seen};
use crate::plan::{Plan, Step};
use crate::ruleset::Ruleset;
use crate::scope::Scope;
use crate::teardown::teardown;
use std::collections::BTreeMap;

/// A backend, and somebody else beside it.
pub trait World {
    /// The backend under test, on an empty host at first.
    fn backend(&mut self) -> &mut dyn Backend;
    /// Another program's change, by another way than the backend's.
    fn outside(&mut self, family: Family, change: &Outside);
    /// How to decide where the ruleset alone does not say.
    fn options(&self) -> Options {
        Options::default()
    }
    /// True where a handle is one rule's own for as long as it lives; else it is its number in the chain.
    fn handles_last(&self) -> bool {
        true
    }
}

/// A case, on a fresh world.
pub type Case = fn(&mut dyn World);

/// A test for each case: `$run` makes a world and plays it. `held`: those that can happen where whoever writes
/// keeps others out from the look on.
#[macro_export]
macro_rules! conformance {
    ($run:path) => {
        $crate::conformance! { held $run }
        $crate::conformance! { $run; a_stale_plan_is_refused_whole }
    };
    (held $run:path) => {
        $crate::conformance! { $run;
            an_empty_host_converges_in_one_step
            an_idle_pass_sends_nothing
            each_lost_rule_comes_back_in_order
            foreign_rules_keep_place_and_handle
            surplus_copies_go
            one_refused_family_does_not_take_the_other
            remove_takes_all_that_is_marked_and_nothing_else
        }
    };
    ($run:path; $($case:ident)+) => {
        $(#[test]
        fn $case() {
            $run($crate::testing::conformance::$case);
        })+
    };
}

fn wants() -> Vec<Ruleset> {
    Family::ALL.map(full).to_vec()
}

fn look(world: &mut dyn World, scope: &Scope) -> (Option<u32>, BTreeMap<Family, Observed>) {
    let seen = world.backend().observe(scope).expect("observe");
    let families = seen.families.into_iter().map(|(f, o)| (f, o.expect("family is readable")));
    (seen.generation, families.collect())
}

fn plan_of(world: &mut dyn World, wants: &[Ruleset]) -> (Plan, Vec<Delta>) {
    let neighbours = world.options().readable != Readable::Yes;
    let (generation, seen) = look(world, &Scope { neighbours, ..Scope::of(wants) });
    let delta = |w: &Ruleset| diff(w, &seen[&w.family], world.options());
    let deltas: Vec<Delta> = wants.iter().map(delta).collect();
    let steps = wants.iter().zip(&deltas).map(|(w, d)| (w.family, d.steps.clone()));
    (Plan { generation, families: steps.collect() }, deltas)
}

/// Looks, writes once, and requires that nothing is left to do, and that it was one commit: between two
/// something might be gone. Returns the plan that did it.
pub fn converge(world: &mut dyn World, wants: &[Ruleset]) -> Plan {
    let (plan, _) = plan_of(world, wants);
    let applied = world.backend().apply(&plan).expect("apply");
    for (family, result) in &applied.families {
        assert!(result.is_ok(), "{family}: {result:?}\n{plan:#?}");
    }
    let (left, _) = plan_of(world, wants);
    assert!(left.is_empty(), "not converged in one step.\nplan {plan:#?}\nleft {left:#?}");
    let commits = left.generation.zip(plan.generation).map(|(now, then)| now.wrapping_sub(then));
    assert!(commits <= Some(1), "{commits:?} commits for one plan: {plan:#?}");
    plan
}

/// On an empty host one pass is enough.
pub fn an_empty_host_converges_in_one_step(world: &mut dyn World) {
    let plan = converge(world, &wants());
    assert!(!plan.is_empty());
}

/// Where all is in place the plan is empty, and the generation stays.
pub fn an_idle_pass_sends_nothing(world: &mut dyn World) {
    converge(world, &wants());
    let before = world.backend().generation().expect("generation");
    let plan = converge(world, &wants());
    assert!(plan.is_empty());
    assert_eq!(world.backend().generation().expect("generation"), before);
}

/// Each rule and each jump is missed, and put back.
pub fn each_lost_rule_comes_back_in_order(world: &mut dyn World) {
    converge(world, &wants());
    for set in wants() {
        for chain in &set.chains {
            for n in 0..chain.rules.len() {
                let (table, name) = (chain.table, chain.name.clone());
                world.outside(set.family, &Outside::DeleteRule(table, name, n));
                assert!(!converge(world, &wants()).is_empty(), "{} {n} was not missed", chain.name);
            }
        }
        for jump in &set.jumps {
            world.outside(set.family, &Outside::DeleteRule(jump.table, jump.hook.chain(), 0));
            assert!(!converge(world, &wants()).is_empty(), "{} was not missed", jump.hook);
        }
    }
}

fn foreign(world: &mut dyn World) -> Vec<(Family, Table, ChainName, RuleSeen)> {
    let lasts = world.handles_last();
    let (_, seen) = look(world, &Scope::of(&wants()));
    let mut out = Vec::new();
    for (family, observed) in seen {
        for (table, found) in observed.tables {
            for (name, chain) in found.chains {
                let rules = chain.rules.into_iter().filter(|r| matches!(r.seen, Seen::Foreign(_)));
                let handle = |r: &RuleSeen| if lasts { r.handle } else { Handle(0) };
                let rules = rules.map(|r| RuleSeen { handle: handle(&r), ..r });
                out.extend(rules.map(|r| (family, table, name.clone(), r)));
            }
        }
    }
    out
}

/// Rules of others are the same, in the same order, whatever is put back between them.
pub fn foreign_rules_keep_place_and_handle(world: &mut dyn World) {
    converge(world, &wants());
    for set in wants() {
        for chain in set.chains.iter().filter(|c| !c.rules.is_empty()) {
            for n in [0, 1, 9] {
                let (table, name) = (chain.table, chain.name.clone());
                world.outside(set.family, &Outside::Foreign(table, name.clone(), n));
                world.outside(set.family, &Outside::DeleteRule(table, name, 2));
            }
        }
    }
    let before = foreign(world);
    assert!(before.len() > 9, "foreign rules were put in: {}", before.len());
    converge(world, &wants());
    assert_eq!(foreign(world), before);
}

/// Of a rule that is there twice one stays.
pub fn surplus_copies_go(world: &mut dyn World) {
    converge(world, &wants());
    for set in wants() {
        for chain in set.chains.iter().filter(|c| !c.rules.is_empty()) {
            let copy = Outside::Duplicate(chain.table, chain.name.clone(), 0);
            world.outside(set.family, &copy);
        }
    }
    assert!(!converge(world, &wants()).is_empty());
    let (_, seen) = look(world, &Scope::of(&wants()));
    for set in wants() {
        for chain in &set.chains {
            let found = seen[&set.family].chain(chain.table, &chain.name).expect("chain");
            assert_eq!(found.rules.len(), chain.rules.len(), "{}", chain.name);
        }
    }
}

/// Who writes what was looked at before another commit is refused, and nothing is changed.
pub fn a_stale_plan_is_refused_whole(world: &mut dyn World) {
    converge(world, &wants());
    let mark = (Table::Nat, ChainName::from("KUBE-MARK-MASQ"));
    world.outside(Family::Ipv4, &Outside::Flush(mark.0, mark.1.clone()));
    let (plan, _) = plan_of(world, &wants());
    world.outside(Family::Ipv6, &Outside::Flush(mark.0, mark.1));
    let refused = world.backend().apply(&plan).expect_err("the plan is stale");
    assert_eq!(refused.kind(), ErrorKind::Busy);
    let (still, _) = plan_of(world, &wants());
    assert_eq!(still.families[&Family::Ipv4], plan.families[&Family::Ipv4]);
}

/// The other family is in place, and the refused one has what it had.
pub fn one_refused_family_does_not_take_the_other(world: &mut dyn World) {
    let (mut plan, _) = plan_of(world, &wants());
    // IPv6 asks for each chain twice: EEXIST, and with it everything of IPv6.
    if let Some(steps) = plan.families.get_mut(&Family::Ipv6) {
        let chain = |s: &&Step| matches!(s, Step::CreateChain { .. });
        let again: Vec<_> = steps.iter().filter(chain).cloned().collect();
        steps.extend(again);
    }
    let applied = world.backend().apply(&plan).expect("apply");
    assert_eq!(applied.commits, 1);
    assert!(applied.families[&Family::Ipv4].is_ok());
    assert!(applied.families[&Family::Ipv6].is_err());
    let (_, deltas) = plan_of(world, &wants());
    assert!(deltas[0].in_sync() && !deltas[1].in_sync());
    let (_, seen) = look(world, &Scope::of(&wants()));
    // Built-in chains apart: a legacy table has them as soon as somebody asks for it.
    let chains = seen[&Family::Ipv6].tables.values().flat_map(|t| t.chains.values());
    let made = chains.filter(|chain| chain.base.is_none()).count();
    assert_eq!(made, 0, "a refused family keeps what it had: nothing");
}

/// What others use or have put in stays.
pub fn remove_takes_all_that_is_marked_and_nothing_else(world: &mut dyn World) {
    converge(world, &wants());
    let foreign_chain = (Table::Nat, ChainName::from("KUBE-MARK-DROP"));
    world.outside(Family::Ipv4, &Outside::Foreign(foreign_chain.0, foreign_chain.1.clone(), 0));
    let before = foreign(world);
    let scope = Scope { references: true, ..Scope::of(&wants()) };
    let (generation, seen) = look(world, &scope);
    let steps =
        wants().into_iter().map(|w| (w.family, teardown(&w, &seen[&w.family], false).steps));
    let plan = Plan { generation, families: steps.collect() };
    let applied = world.backend().apply(&plan).expect("apply");
    assert!(applied.families.values().all(Result::is_ok), "{applied:?}");
    assert_eq!(foreign(world), before);
    let (_, seen) = look(world, &Scope::of(&wants()));
    let left: Vec<String> = seen
        .iter()
        .flat_map(|(f, o)| {
            o.tables.values().flat_map(move |t| t.chains.iter().map(move |c| (f, c)))
        })
        .filter(|(_, (_, c))| c.base.is_none())
        .map(|(f, (name, _))| format!("{f} {name}"))
        .collect();
    // The mark chain that holds somebody's rule, and what acts on its mark.
    assert_eq!(left, ["ip KUBE-FIREWALL", "ip KUBE-MARK-DROP"]);
}

/// A random ruleset with random drift converges in one step, twice. Foreign rules keep their handles.
pub fn random_drift(world: &mut dyn World, dice: &mut Dice) {
    let wants = Family::ALL.map(|f| random::ruleset(dice, f));
    converge(world, &wants);
    for set in &wants {
        for change in drift(dice, set) {
            world.outside(set.family, &change);
        }
    }
    converge(world, &wants);
}

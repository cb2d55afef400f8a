//! Random scripts of steps, good and bad, played on any backend: what it answered and what is there
//! afterwards. Fake and kernel must give the same record.
use super::dice::Dice;
use super::random;
use crate::backend::Backend;
use crate::error::{BackendError, Errno};
use crate::names::{ChainName, Family, Handle, Hook, Table};
use crate::observed::Observed;
use crate::plan::{Place, Plan, Step, Why};
use crate::rule::{Action, Rule};
use crate::scope::Scope;
use std::collections::BTreeMap;

const NAMES: [&str; 4] = ["CK-A", "CK-B", "CK-C", "CK-D"];
/// A handle that nothing has.
const NOBODY: Handle = Handle(999_999);

/// What one plan of a script came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The plan, for the reader of a failed test.
    pub plan: Vec<String>,
    /// Commits made.
    pub commits: u32,
    /// The errno of each family that was refused.
    pub refused: BTreeMap<Family, Option<Errno>>,
    /// Chains with their rules, as text, without handles.
    pub after: Vec<String>,
}

/// Plays `plans` random plans of a few steps each.
pub fn play(
    backend: &mut dyn Backend,
    dice: &mut Dice,
    plans: usize,
) -> Result<Vec<Record>, BackendError> {
    let mut scope = Scope { families: Family::ALL.into(), ..Scope::default() };
    for table in [Table::Nat, Table::Filter] {
        scope.chains.extend(NAMES.map(|n| (table, ChainName::from(n))));
        scope.chains.extend([Hook::Input, Hook::Postrouting].map(|h| (table, h.chain())));
    }
    let mut records = Vec::new();
    // On an empty host nearly all is refused for want of a table.
    let furnished = !dice.one_in(4);
    for nth in 0..plans {
        let seen = backend.observe(&scope)?;
        let mut plan = Plan { generation: seen.generation, families: BTreeMap::new() };
        for (family, seen) in seen.families {
            let seen = seen?;
            let steps = match nth == 0 && furnished {
                true => furniture(),
                false => (0..dice.roll(4)).map(|_| step(dice, family, &seen)).collect(),
            };
            plan.families.insert(family, steps);
        }
        let applied = backend.apply(&plan)?;
        let refused =
            applied.families.iter().filter_map(|(f, r)| Some((*f, r.as_ref().err()?.errno())));
        let plan =
            plan.families.iter().flat_map(|(f, s)| s.iter().map(move |s| format!("{f} {s}")));
        records.push(Record {
            plan: plan.collect(),
            commits: applied.commits,
            refused: refused.collect(),
            after: after(backend, &scope)?,
        });
    }
    Ok(records)
}

fn after(backend: &mut dyn Backend, scope: &Scope) -> Result<Vec<String>, BackendError> {
    let mut lines = Vec::new();
    for (family, seen) in backend.observe(scope)?.families {
        for (table, found) in seen?.tables {
            for (name, chain) in found.chains {
                let base = if chain.base.is_some() { "base" } else { "user" };
                lines.push(format!("{family} {table} {name} {base} ours={}", chain.ours));
                lines.extend(chain.rules.iter().map(|r| format!("  {}", r.outline().text)));
            }
        }
    }
    Ok(lines)
}

/// Both tables with their hooks, and all chains but the last.
fn furniture() -> Vec<Step> {
    let of = |table| {
        let chain = |name: &&str| Step::CreateChain { table, chain: ChainName::from(*name) };
        let base = [Step::EnsureTable { table }, Step::EnsureHook { table, hook: hook(table) }];
        base.into_iter().chain(NAMES[..3].iter().map(chain)).collect::<Vec<_>>()
    };
    [Table::Nat, Table::Filter].into_iter().flat_map(of).collect()
}

fn hook(table: Table) -> Hook {
    if table == Table::Nat { Hook::Postrouting } else { Hook::Input }
}

fn step(dice: &mut Dice, family: Family, seen: &Observed) -> Step {
    let table = dice.pick(&[Table::Nat, Table::Filter]);
    let chain = ChainName::from(dice.pick(&NAMES));
    let hook = hook(table);
    let handles: Vec<Handle> =
        seen.chain(table, &chain).map_or(vec![], |c| c.rules.iter().map(|r| r.handle).collect());
    let some_rule = |dice: &mut Dice| match dice.one_in(12) {
        true => NOBODY,
        false => handles.get(dice.roll(handles.len())).copied().unwrap_or(NOBODY),
    };
    let jump = |dice: &mut Dice| Rule::new(Action::Jump(dice.pick(&NAMES).into()));
    match dice.roll(10) {
        0 => Step::EnsureTable { table },
        1 => Step::EnsureHook { table, hook },
        2 => Step::CreateChain { table, chain },
        3..=6 => {
            let rule =
                if dice.one_in(3) { jump(dice) } else { random::rule(dice, family, Table::Nat) };
            let place = match dice.roll(3) {
                0 => Place::First,
                1 if !handles.is_empty() || dice.one_in(12) => Place::Before(some_rule(dice)),
                _ => Place::Last,
            };
            let remove = if dice.one_in(4) { vec![some_rule(dice)] } else { vec![] };
            // A rule named as a place must not go first in the same step: new before old.
            let (insert, new, why) = (vec![rule], vec![true], Why::Absent);
            Step::Rewrite { table, chain, remove, insert, new, place, why }
        }
        7 => {
            let (rule, place, why) = (jump(dice), Place::First, Why::Absent);
            Step::Insert { table, hook, rule, place, why }
        }
        8 => {
            let (handle, rule) = (some_rule(dice), Rule::new(Action::Return));
            Step::Remove { table, chain, handle, rule }
        }
        _ => {
            let handle = seen.chain(table, &chain).map_or(NOBODY, |c| c.handle);
            Step::DeleteChain { table, chain, handle }
        }
    }
}

//! What was written, and what was taken out.
use super::lines::{of_problem, wrapped};
use crate::damage::plural;
use crate::reconcile::Pass;
use chainkeeper_contract::{Applied, Delta, Family, Note, Step, Table};
use std::fmt::Write as _;

/// What was written, a line for each family, then the commit.
pub fn applied(pass: &Pass) -> String {
    let mut out = String::new();
    let Some(applied) = &pass.applied else {
        let at = pass.look.generation.map_or(String::new(), |g| format!(" (generation {g})"));
        let sync = if pass.look.in_sync() { "in sync, nothing written" } else { "nothing written" };
        return format!("{sync}{at}\n");
    };
    for (family, delta) in written(pass, applied) {
        let n = Count::of(delta);
        if n.removed() {
            let _ = writeln!(
                out,
                "{family:3}  {}, {} written, {} removed",
                plural(n.chains, "chain"),
                plural(n.rules + n.jumps, "rule"),
                plural(n.gone, "rule")
            );
        } else {
            let _ = writeln!(
                out,
                "{family:3}  {}, {}, {} written",
                plural(n.chains, "chain"),
                plural(n.rules, "rule"),
                plural(n.jumps, "jump")
            );
        }
    }
    out + &commit_line(pass, applied)
}

/// What was taken out, and what stays and why.
pub fn removal(pass: &Pass) -> String {
    let mut out = String::new();
    for (family, outcome) in &pass.look.families {
        let Ok(delta) = outcome else { continue };
        let n = Count::of(delta);
        let done = pass.error(*family).is_none();
        if done && n.chains_gone + n.gone > 0 {
            let (chains, rules) = (plural(n.chains_gone, "chain"), plural(n.gone, "rule"));
            let _ = writeln!(out, "{family:3}  {chains}, {rules} removed");
        }
        for note in &delta.notes {
            if let Note::Kept { table, chain, why } = note {
                let line = format!("{family:3}  kept {table} {chain}: {why}");
                out += &wrapped(5, &line);
            }
        }
        for table in Table::ALL {
            for (name, text) in delta.problems.iter().filter_map(|p| of_problem(p, table)) {
                out += &wrapped(5, &format!("{family:3}  ! {name}: {text}"));
            }
        }
    }
    match &pass.applied {
        Some(applied) => out + &commit_line(pass, applied),
        None if pass.look.families.values().any(Result::is_err) => out,
        None if out.is_empty() => "nothing of ours to remove\n".into(),
        None => out + "nothing removed\n",
    }
}

fn commit_line(pass: &Pass, applied: &Applied) -> String {
    let took = pass.took.as_secs_f64() * 1e3;
    let generation = match (pass.look.generation, applied.generation) {
        (Some(before), Some(after)) if applied.commits > 0 => {
            format!("generation {before} -> {after}, ")
        }
        (_, _) => String::new(),
    };
    match applied.commits {
        0 => "nothing written\n".into(),
        1 => format!("one commit, {generation}{took:.1} ms\n"),
        n => format!("{n} commits, {generation}{took:.1} ms\n"),
    }
}

/// The families whose steps were taken.
fn written<'a>(pass: &'a Pass, applied: &'a Applied) -> impl Iterator<Item = (Family, &'a Delta)> {
    let ok = applied.families.iter().filter(|(_, r)| r.is_ok());
    ok.filter_map(|(f, _)| Some((*f, pass.look.families.get(f)?.as_ref().ok()?)))
}

#[derive(Default)]
struct Count {
    chains: usize,
    rules: usize,
    jumps: usize,
    gone: usize,
    chains_gone: usize,
}

impl Count {
    fn of(delta: &Delta) -> Count {
        let mut n = Count::default();
        for step in &delta.steps {
            match step {
                Step::EnsureTable { .. } | Step::EnsureHook { .. } => {}
                Step::CreateChain { .. } => n.chains += 1,
                Step::Rewrite { insert, remove, .. } => {
                    n.rules += insert.len();
                    n.gone += remove.len();
                }
                Step::Insert { .. } => n.jumps += 1,
                Step::Remove { .. } => n.gone += 1,
                Step::DeleteChain { .. } => n.chains_gone += 1,
            }
        }
        n
    }

    fn removed(&self) -> bool {
        self.gone > 0
    }
}

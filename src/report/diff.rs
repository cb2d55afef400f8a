//! The difference: a person reads it before it runs.
use super::lines::{note_line, problem_line, step_lines};
use crate::reconcile::Look;
use chainkeeper_contract::{Delta, Family, Step, Table, Why};
use std::fmt::Write as _;

/// One line a fact, grouped by table, the answer last: how many changes, and what does them.
pub fn diff(look: &Look, by: &str) -> String {
    let mut out = String::new();
    for (family, outcome) in &look.families {
        match outcome {
            Ok(delta) => family_diff(*family, delta, look.generation.is_some(), &mut out),
            Err(_) => drop(writeln!(out, "{family} could not be read")),
        }
    }
    let changes: usize = look.families.values().flatten().map(changes).sum();
    let steps = look.families.values().flatten().filter(|delta| !delta.steps.is_empty());
    // Without a generation there is no commit of both families.
    let commits = match (look.generation, steps.count()) {
        (None, 2) => "one commit for each family",
        (_, _) => "one commit",
    };
    let _ = match changes {
        0 => writeln!(out, "Nothing to write."),
        1 => writeln!(out, "1 change, {commits}. Nothing was written; `{by}` does it."),
        n => writeln!(out, "{n} changes, {commits}. Nothing was written; `{by}` does it."),
    };
    out
}

/// A table or base chain is created along with what needs it, and not counted apart.
fn changes(delta: &Delta) -> usize {
    let with_another = |s: &&Step| {
        matches!(
            s,
            Step::EnsureTable { .. }
                | Step::EnsureHook { .. }
                | Step::Rewrite { why: Why::Absent, .. }
        )
    };
    delta.steps.iter().filter(|s| !with_another(s)).count()
}

fn family_diff(family: Family, delta: &Delta, handles: bool, out: &mut String) {
    if delta.in_sync() && delta.notes.is_empty() {
        let _ = writeln!(out, "{family} in sync");
        return;
    }
    for table in Table::ALL {
        let mut lines = Vec::new();
        for step in delta.steps.iter().filter(|s| s.table() == table) {
            step_lines(step, delta, handles, &mut lines);
        }
        lines.extend(delta.notes.iter().filter_map(|n| note_line(n, table)));
        lines.extend(delta.problems.iter().filter_map(|p| problem_line(p, table)));
        if !lines.is_empty() {
            let _ = writeln!(out, "{family} {table}");
            for line in lines {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    if delta.in_sync() {
        let _ = writeln!(out, "{family} in sync");
    }
}

/// What there is to know in a state where nothing is written: notes and problems, without colour.
pub fn state(look: &Look) -> String {
    let lines = |(family, delta, table): (Family, &Delta, Table)| {
        let notes = delta.notes.iter().filter_map(|n| note_line(n, table));
        let problems = delta.problems.iter().filter_map(|p| problem_line(p, table));
        let both = notes.chain(problems).map(|l| format!("{family} {table} {}", l.trim_start()));
        both.map(|l| anstream::adapter::strip_str(&l).to_string()).collect::<Vec<_>>()
    };
    by_table(look).flat_map(lines).collect::<Vec<_>>().join("\n")
}

/// The families that could be read, table by table.
fn by_table(look: &Look) -> impl Iterator<Item = (Family, &Delta, Table)> {
    let read = look.families.iter().filter_map(|(f, outcome)| Some((*f, outcome.as_ref().ok()?)));
    read.flat_map(|(family, delta)| Table::ALL.map(|table| (family, delta, table)))
}

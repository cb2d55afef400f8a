//! The difference: a person reads it before it runs.
use super::lines::{Fact, of_note, of_problem, step_lines, told, wrapped};
use crate::damage::plural;
use crate::reconcile::Look;
use crate::safe;
use chainkeeper_contract::{Delta, Family, Step, Table, Why};
use std::fmt::Write as _;

/// What would be written. One line a fact, grouped by table, the answer last: how many changes, and what does them.
pub fn diff(look: &Look, by: &str) -> String {
    changes_screen(look, by, ["in sync", "Nothing to write."])
}

/// The same of what would be taken out.
pub fn removal_diff(look: &Look, by: &str) -> String {
    changes_screen(look, by, ["nothing of ours", "Nothing to remove."])
}

/// `idle`: what is said of a family, and at the end, where there is nothing to do.
fn changes_screen(look: &Look, by: &str, idle: [&str; 2]) -> String {
    let mut out = String::new();
    for (family, outcome) in &look.families {
        match outcome {
            Ok(delta) => family_diff(*family, delta, look.generation.is_some(), idle[0], &mut out),
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
    out + &match changes {
        0 => format!("{}\n", idle[1]),
        n => {
            let changes = plural(n, "change");
            wrapped(0, &format!("{changes}, {commits}. Nothing was written; `{by}` does it."))
        }
    }
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

fn family_diff(family: Family, delta: &Delta, handles: bool, idle: &str, out: &mut String) {
    if delta.in_sync() && delta.notes.is_empty() {
        let _ = writeln!(out, "{family} {idle}");
        return;
    }
    for table in Table::ALL {
        let mut lines = Vec::new();
        for step in delta.steps.iter().filter(|s| s.table() == table) {
            step_lines(step, delta, handles, &mut lines);
        }
        lines.extend(facts(delta, table).map(|(sign, fact)| told(sign, &fact)));
        if !lines.is_empty() {
            let _ = writeln!(out, "{family} {table}");
            for line in lines {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    if delta.in_sync() {
        let _ = writeln!(out, "{family} {idle}");
    }
}

/// Notes and problems of a table, each with its sign.
fn facts(delta: &Delta, table: Table) -> impl Iterator<Item = (char, Fact)> {
    let notes = delta.notes.iter().filter_map(move |n| Some(('=', of_note(n, table)?)));
    notes.chain(delta.problems.iter().filter_map(move |p| Some(('!', of_problem(p, table)?))))
}

/// What there is to know in a state where nothing is written: notes and problems, a line each, for a journal.
pub fn state(look: &Look) -> String {
    state_lines(look, 0).join("\n")
}

/// The same on the screen.
pub fn state_screen(look: &Look) -> String {
    state_lines(look, 4).iter().map(|line| wrapped(5, line)).collect()
}

/// `width`: of the column of families.
fn state_lines(look: &Look, width: usize) -> Vec<String> {
    let line = |(family, table, sign, (name, text)): (Family, Table, char, Fact)| {
        let wrong = if sign == '!' { "! " } else { "" };
        let of = if name == table.to_string() { String::new() } else { format!("{table} ") };
        safe::line(&format!("{family:width$} {wrong}{of}{name}: {text}"))
    };
    all_facts(look).map(line).collect()
}

/// Those of the families that could be read, table by table.
fn all_facts(look: &Look) -> impl Iterator<Item = (Family, Table, char, Fact)> {
    let read = look.families.iter().filter_map(|(f, outcome)| Some((*f, outcome.as_ref().ok()?)));
    let tables = read.flat_map(|(family, delta)| Table::ALL.map(|table| (family, delta, table)));
    tables.flat_map(|(family, delta, table)| {
        facts(delta, table).map(move |(sign, fact)| (family, table, sign, fact))
    })
}

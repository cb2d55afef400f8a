//! What people see: the difference, what was written, what was taken out. Results only; colour is
//! added to the first column alone and never carries meaning of its own.
use crate::reconcile::{Look, Outcome, Pass};
use anstyle::{AnsiColor, Style};
use chainkeeper_contract::{Applied, BackendError, Delta, Family, Note, Problem, Step, Table, Why};
use serde_json::{Value, json};
use std::fmt::Write as _;

const NAME: usize = 19;

/// One line a fact, grouped by table, the answer last: how many changes, and what does them.
pub fn diff(look: &Look, by: &str) -> String {
    let mut out = String::new();
    for (family, outcome) in &look.families {
        match outcome {
            Ok(delta) => family_diff(*family, delta, &mut out),
            Err(_) => drop(writeln!(out, "{family} could not be read")),
        }
    }
    let changes: usize = look.families.values().flatten().map(changes).sum();
    let _ = match changes {
        0 => writeln!(out, "Nothing to write."),
        1 => writeln!(out, "1 change, one commit. Nothing was written; `{by}` does it."),
        n => writeln!(out, "{n} changes, one commit. Nothing was written; `{by}` does it."),
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

fn family_diff(family: Family, delta: &Delta, out: &mut String) {
    if delta.in_sync() && delta.notes.is_empty() {
        let _ = writeln!(out, "{family} in sync");
        return;
    }
    for table in Table::ALL {
        let mut lines = Vec::new();
        for step in delta.steps.iter().filter(|s| s.table() == table) {
            step_lines(step, delta, &mut lines);
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

fn sign(sign: char, text: &str) -> String {
    let colour = match sign {
        '+' => AnsiColor::Green,
        '-' | '!' => AnsiColor::Red,
        '~' => AnsiColor::Yellow,
        _ => return format!("  {sign} {text}"),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("  {style}{sign}{style:#} {text}")
}

fn step_lines(step: &Step, delta: &Delta, lines: &mut Vec<String>) {
    match step {
        Step::EnsureTable { .. } => lines.push(sign('+', "(the table itself)")),
        Step::EnsureHook { hook, .. } => lines.push(sign('+', &format!("{hook:NAME$} base chain"))),
        Step::CreateChain { table, chain } => {
            lines.push(sign('+', chain.as_str()));
            let filled = delta.steps.iter().filter_map(|s| {
                let Step::Rewrite { table: t, chain: c, insert, .. } = s else { return None };
                (t == table && c == chain).then_some(insert)
            });
            lines.extend(filled.flatten().map(|rule| sign('+', &format!("  {rule}"))));
        }
        Step::Rewrite { why: Why::Absent, .. } => {} // shown with its chain
        Step::Rewrite { chain, insert, new, why, .. } => {
            let why = why_text(why, insert.len());
            lines.push(sign('~', &format!("{chain:NAME$} {why}")));
            for (rule, new) in insert.iter().zip(new) {
                lines.push(sign(if *new { '+' } else { ' ' }, &format!("  {rule}")));
            }
        }
        Step::Insert { hook, rule, why, .. } => {
            let why = match why {
                Why::Unreached(by) => format!("   (first: {by} ends packets before it)"),
                Why::Absent | Why::Missing(_) | Why::Order | Why::Between(_) | Why::OtherBit => {
                    String::new()
                }
            };
            lines.push(sign('+', &format!("{hook:NAME$} {rule}{why}")));
        }
        Step::Remove { chain, rule, handle, .. } => {
            lines.push(sign('-', &format!("{chain:NAME$} {rule}   ({handle})")));
        }
        Step::DeleteChain { chain, .. } => lines.push(sign('-', chain.as_str())),
    }
}

fn why_text(why: &Why, all: usize) -> String {
    match why {
        Why::Absent => "filled".into(),
        Why::Missing(n) if *n == all => "filled: none of our rules is there".into(),
        Why::Missing(1) => "rewritten: 1 rule is missing, and the order matters".into(),
        Why::Missing(n) => format!("rewritten: {n} rules are missing, and the order matters"),
        Why::Order => "rewritten: the order is wrong".into(),
        Why::Between(rule) => format!("rewritten: a foreign rule stands between ours: {rule}"),
        Why::OtherBit => "rewritten: our rules of another mark bit".into(),
        Why::Unreached(rule) => format!("moved: {rule} ends every packet before it"),
    }
}

/// A note as a line, if it is about that table.
fn note_line(note: &Note, of: Table) -> Option<String> {
    let (table, chain, text) = match note {
        Note::Foreign { table, chain, before, among, after } => {
            let parts = [(*before, "before"), (*among, "among"), (*after, "after")];
            let words: Vec<String> = parts
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, place)| {
                    format!("{n} foreign rule{} {place} ours", if *n == 1 { "" } else { "s" })
                })
                .collect();
            (table, chain, format!("{}, kept", words.join(", ")))
        }
        Note::Shadowed { table, chain, to, by } => {
            (table, chain, format!("some packets do not reach the jump to {to}: {by}"))
        }
        Note::NotJudged { table, chain, to, why } => {
            (table, chain, format!("jump to {to} not judged: {why}"))
        }
        Note::PendingCanary { table, chain } => {
            (table, chain, "pending: not there; a canary alone is no drift".into())
        }
        Note::Kept { table, chain, why } => (table, chain, format!("kept: {why}")),
    };
    (*table == of).then(|| sign('=', &format!("{chain:NAME$} {text}")))
}

/// A problem as a line, if it is about that table.
fn problem_line(problem: &Problem, of: Table) -> Option<String> {
    let (table, name, text) = match problem {
        Problem::Dormant { table } => {
            let text = "the table is dormant: it hooks nothing; left alone";
            (table, table.to_string(), text.to_owned())
        }
        Problem::Owned { table, port } => {
            let text =
                format!("another process owns the table (netlink port {port}): only it can write");
            (table, table.to_string(), text)
        }
        Problem::OddHook { table, chain, found } => {
            let text = format!("not iptables' built-in chain: {found}; no jump is put there");
            (table, chain.to_string(), text)
        }
        Problem::BaseChain { table, chain, found } => {
            let text = format!("a base chain of somebody else has our name: {found}");
            (table, chain.to_string(), text)
        }
        Problem::OtherBit { table, chain, theirs } => {
            let text = format!("conflict: another program keeps it with another bit: {theirs}");
            (table, chain.to_string(), text)
        }
    };
    (*table == of).then(|| sign('!', &format!("{name:NAME$} {text}")))
}

/// What there is to know in a state where nothing is written: notes and problems, without colour.
pub fn state(look: &Look) -> String {
    let mut lines = Vec::new();
    for (family, delta) in look.families.iter().filter_map(|(f, o)| Some((f, o.as_ref().ok()?))) {
        for table in Table::ALL {
            let notes = delta.notes.iter().filter_map(|n| note_line(n, table));
            let problems = delta.problems.iter().filter_map(|p| problem_line(p, table));
            let both =
                notes.chain(problems).map(|l| format!("{family} {table} {}", l.trim_start()));
            lines.extend(both.map(|l| anstream::adapter::strip_str(&l).to_string()));
        }
    }
    lines.join("\n")
}

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
                let _ = writeln!(out, "{family:3}  kept {table} {chain}: {why}");
            }
        }
        for line in Table::ALL.iter().flat_map(|t| {
            delta.problems.iter().filter_map(|p| problem_line(p, *t)).collect::<Vec<_>>()
        }) {
            let _ = writeln!(out, "{family:3} {}", anstream::adapter::strip_str(&line));
        }
    }
    match &pass.applied {
        Some(applied) => out + &commit_line(pass, applied),
        None => out + "nothing of ours to remove\n",
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

fn plural(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
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

/// The JSON of a look or a pass: families with steps, notes, problems, and an error where there is one.
pub fn json(look: &Look, applied: Option<&Applied>, took_ms: Option<f64>) -> Value {
    let family = |(family, outcome): (&Family, &Outcome)| {
        let refused = applied.and_then(|a| a.families.get(family)?.as_ref().err());
        let error = outcome.as_ref().err().or(refused);
        let mut value = match outcome {
            Ok(delta) => json!({
                "in_sync": delta.in_sync(),
                "steps": delta.steps,
                "notes": delta.notes,
                "problems": delta.problems,
            }),
            Err(_) => json!({ "in_sync": false }),
        };
        value["error"] = error.map_or(Value::Null, error_json);
        (family.nft_name().to_owned(), value)
    };
    json!({
        "in_sync": look.in_sync(),
        "generation": look.generation,
        "families": look.families.iter().map(family).collect::<serde_json::Map<_, _>>(),
        "written": applied.is_some_and(|a| a.commits > 0),
        "commits": applied.map_or(0, |a| a.commits),
        "generation_after": applied.and_then(|a| a.generation),
        "took_ms": took_ms,
    })
}

/// The JSON of an error.
pub fn error_json(error: &BackendError) -> Value {
    json!({ "message": error.to_string(), "kind": error.kind(), "detail": error })
}

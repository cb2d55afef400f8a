//! Steps, notes and problems as lines, one fact each. Colour is in the first column alone and never
//! carries meaning of its own.
use crate::reconcile::problem;
use crate::safe;
use anstyle::{AnsiColor, Style};
use chainkeeper_contract::{Delta, Note, Problem, Step, Table, Why};

/// Width of the column of names.
const NAME: usize = 19;

/// A sentence, broken at blanks so that it fits 80 columns, its next lines indented; with its end. Rules are
/// left whole, to be copied.
pub(super) fn wrapped(indent: usize, line: &str) -> String {
    broken(indent, &safe::line(line))
}

fn broken(indent: usize, line: &str) -> String {
    let end = line.char_indices().nth(80).map(|(end, _)| end);
    match end.and_then(|end| line[..end].rfind(' ')).filter(|at| line[..*at].trim().len() > indent)
    {
        Some(at) => {
            let rest = broken(indent, &format!("{:indent$}{}", "", &line[at + 1..]));
            format!("{}\n{rest}", line[..at].trim_end())
        }
        None => format!("{}\n", line.trim_end()),
    }
}

/// `12,934`.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn sign(sign: char, text: &str) -> String {
    let text = safe::line(text);
    let colour = match sign {
        '+' => AnsiColor::Green,
        '-' | '!' => AnsiColor::Red,
        '~' => AnsiColor::Yellow,
        _ => return format!("  {sign} {text}"),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("  {style}{sign}{style:#} {text}")
}

/// `handles`: whether the numbers of rules outlive the look.
pub(super) fn step_lines(step: &Step, delta: &Delta, handles: bool, lines: &mut Vec<String>) {
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
                Why::Absent
                | Why::Missing(_)
                | Why::Order
                | Why::Between(_)
                | Why::OtherBit
                | Why::Unreadable => String::new(),
            };
            lines.push(sign('+', &format!("{hook:NAME$} {rule}{why}")));
        }
        Step::Remove { chain, rule, handle, .. } => {
            let handle = if handles { format!("   ({handle})") } else { String::new() };
            lines.push(sign('-', &format!("{chain:NAME$} {rule}{handle}")));
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
        Why::Unreadable => "rewritten: iptables-nft cannot read the native dialect".into(),
        Why::Unreached(rule) => format!("moved: {rule} ends every packet before it"),
    }
}

/// A note as a line, if it is about that table.
pub(super) fn note_line(note: &Note, of: Table) -> Option<String> {
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
        Note::Unreadable { table, by } => {
            let text = format!("a native rule hides this table from iptables-nft: {by}");
            return (*table == of).then(|| sign('=', &format!("{table:NAME$} {text}")));
        }
        Note::Hides { table, rule } => {
            let text = format!("native rules hide others from iptables-nft: {rule}");
            return (*table == of).then(|| sign('=', &format!("{table:NAME$} {text}")));
        }
        Note::PendingCanary { table, chain } => {
            (table, chain, "pending: not there; a canary alone is no drift".into())
        }
        Note::Withheld { table, chain } => {
            (table, chain, "withheld: no evidence of a backend; --backend writes it".into())
        }
        Note::Kept { table, chain, why } => (table, chain, format!("kept: {why}")),
    };
    (*table == of).then(|| sign('=', &format!("{chain:NAME$} {text}")))
}

/// A problem as a line, if it is about that table.
pub(super) fn problem_line(problem: &Problem, of: Table) -> Option<String> {
    let (table, name, text) = problem::words(problem);
    (table == of).then(|| sign('!', &format!("{name:NAME$} {text}")))
}

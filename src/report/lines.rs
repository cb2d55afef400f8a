//! Steps, notes and problems as lines, one fact each. Colour is in the first column alone and never
//! carries meaning of its own.
use crate::reconcile::problem;
use crate::safe;
use anstyle::{AnsiColor, Style};
use chainkeeper_contract::{Delta, Note, Problem, Step, Table, Why};

/// Width of the column of names.
const NAME: usize = 19;
/// Column of cause and way out.
const SCREEN: usize = 8;

/// A sentence, broken at blanks so that it fits 80 columns, its next lines indented; with its end. Rules are
/// left whole, to be copied.
pub(super) fn wrapped(indent: usize, line: &str) -> String {
    broken(indent, &safe::line(line))
}

/// An error, a warning or a note, which may have cause and way out below it, so that it fits, too. Lines of a manifest
/// are left whole.
pub fn folded(screen: &str) -> String {
    let (words, yaml) = screen.split_at(screen.find("\n  yaml").unwrap_or(screen.len()));
    let words = match words.lines().any(|line| line.chars().count() > 80) {
        // As it is typed.
        true => words.replace(": docker run", &format!(":\n{:SCREEN$}docker run", "")),
        false => words.to_owned(),
    };
    let words: String = words.lines().map(|line| wrapped(SCREEN, line)).collect();
    words.trim_end().to_owned() + &safe::text(yaml)
}

fn broken(indent: usize, line: &str) -> String {
    let fits = line.char_indices().nth(80).map_or(line, |(end, _)| &line[..end]);
    let blanks = || {
        fits.rmatch_indices(' ').map(|(at, _)| at).filter(|at| line[..*at].trim().len() > indent)
    };
    // A command is left whole where it can be.
    let in_command = |at: &usize| line[..*at].matches('`').count() % 2 == 1;
    let at = blanks().find(|at| !in_command(at)).or_else(|| blanks().next());
    match at.filter(|_| fits.len() < line.len()) {
        Some(at) => {
            let rest = broken(indent, &format!("{:indent$}{}", "", &line[at + 1..]));
            format!("{}\n{rest}", line[..at].trim_end())
        }
        None => format!("{}\n", line.trim_end()),
    }
}

/// A length of time in the form that every screen has: `400 ms`, `31 s`, `10 min`, `3 d 4 h`.
pub fn length(ms: u64) -> String {
    let mut left = ms.saturating_add(500) / 1000;
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")].map(|(size, unit)| {
        let n = left / size;
        left %= size;
        (n, unit)
    });
    let shown = units.iter().skip_while(|(n, _)| *n == 0).take(2).filter(|(n, _)| *n > 0);
    match ms {
        0 => "0 s".into(),
        1..1000 => format!("{ms} ms"),
        _ => shown.map(|(n, unit)| format!("{n} {unit}")).collect::<Vec<_>>().join(" "),
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
    let (style, text) = (style(sign), safe::line(text));
    format!("  {style}{sign}{style:#} {text}")
}

fn style(sign: char) -> Style {
    let colour = match sign {
        '+' => AnsiColor::Green,
        '-' | '!' => AnsiColor::Red,
        '~' => AnsiColor::Yellow,
        _ => return Style::new(),
    };
    Style::new().fg_color(Some(colour.into()))
}

/// A fact below its table, as a sentence that fits.
pub(super) fn told(sign: char, (name, text): &Fact) -> String {
    let line = wrapped(NAME + 5, &format!("  {sign} {name:NAME$} {text}"));
    // After it is broken into lines: colour takes no room.
    let style = style(sign);
    line.trim_end().replacen(sign, &format!("{style}{sign}{style:#}"), 1)
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

/// Of what, and what there is to know.
pub(super) type Fact = (String, String);

/// What a note says, if it is about that table.
pub(super) fn of_note(note: &Note, of: Table) -> Option<Fact> {
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
            return (*table == of).then(|| (table.to_string(), text));
        }
        Note::Hides { table, rule } => {
            let text = format!("native rules hide others from iptables-nft: {rule}");
            return (*table == of).then(|| (table.to_string(), text));
        }
        Note::PendingCanary { table, chain } => {
            (table, chain, "pending: not there; a canary alone is no drift".into())
        }
        Note::Withheld { table, chain } => {
            (table, chain, "withheld: no evidence of a backend; --backend writes it".into())
        }
        Note::Kept { table, chain, why } => (table, chain, format!("kept: {why}")),
    };
    (*table == of).then(|| (chain.to_string(), text))
}

/// The same of a problem.
pub(super) fn of_problem(problem: &Problem, of: Table) -> Option<Fact> {
    let (table, name, text) = problem::words(problem);
    (table == of).then_some((name, text))
}

//! The story for people: one line in the journal, a few on the screen of `events`.
use super::lines::{length, wrapped};
use crate::damage::plural;
use crate::story::{Event, Gap, GapFlows, Outcome, Suspects, Taken, What};
use anstyle::{AnsiColor, Style};
use chainkeeper_contract::Family;

/// More parts than these are counted instead of named.
const NAMED: usize = 3;
/// Column of the second and further lines.
const INDENT: usize = 8;

/// Who it was, in a phrase. Never a guess: several who may have done it are all named.
pub fn who(by: &[Suspects]) -> String {
    let mut all: Vec<String> = Vec::new();
    for phrase in by.iter().map(one) {
        if !all.contains(&phrase) {
            all.push(phrase);
        }
    }
    match all.len() {
        0 => "unknown".into(),
        1..=3 => all.join(", then "),
        n => format!("{}, then {} others", all[0], n - 1),
    }
}

fn one(suspects: &Suspects) -> String {
    let named = suspects.any_of.iter().filter(|culprit| culprit.name.is_some());
    let mut names: Vec<String> = named.map(ToString::to_string).collect();
    names.dedup();
    match (&names[..], suspects.incomplete) {
        ([], _) => "unknown".into(),
        ([one], false) => one.clone(),
        (_, false) => format!("one of {}", names.join(", ")),
        (_, true) => format!("unknown (among others {})", names.join(", ")),
    }
}

/// What was missing: named where it is little, else counted for each family.
fn what(took: &[Taken]) -> String {
    let mut parts = Vec::new();
    for family in Family::ALL {
        let of: Vec<&Taken> = took.iter().filter(|t| t.key.family == family).collect();
        let count = |n: usize, what: &str| (n > 0).then(|| plural(n, what));
        if of.len() <= NAMED {
            let name =
                |t: &&Taken| format!("{} {} {}: {}", family, t.key.table, t.key.chain, t.loss);
            parts.extend(of.iter().map(name));
        } else {
            let counts = [
                count(of.iter().filter(|t| t.loss.absent).count(), "chain"),
                count(of.iter().map(|t| t.loss.rules).sum(), "rule"),
                count(of.iter().map(|t| t.loss.jumps).sum(), "jump"),
                count(of.iter().filter(|t| t.loss.changed).count(), "change"),
            ];
            let counts: Vec<String> = counts.into_iter().flatten().collect();
            parts.push(format!("{family}: {}", counts.join(", ")));
        }
    }
    parts.join("; ")
}

fn ms(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => length(ms as u64),
    }
}

/// As the journal has it.
pub fn event_line(event: &Event) -> String {
    match &event.what {
        What::Gap(gap) => gap_line(gap),
        What::Yielded { chain, by, rounds, again_ms } => {
            let (who, again) = (who(by), length(*again_ms));
            format!("yielded {chain}: {who} undid it {rounds} times; next try in {again}")
        }
        What::Flows(flows) => flows_line(flows),
        What::Recovered { chain } => format!("kept again: {chain}; nobody has undone it since"),
        What::Paused { for_ms } => format!("paused for {}: nothing is written", length(*for_ms)),
        What::Resumed { by_itself: true } => "the pause is over".into(),
        What::Resumed { by_itself: false } => "resumed".into(),
    }
}

fn flows_line(flows: &GapFlows) -> String {
    let unknown = match flows.unknown_start {
        0 => String::new(),
        n => format!(", {n} of them at an unknown time (nf_conntrack_timestamp was off)"),
    };
    let ended = match flows.ended {
        0 => String::new(),
        n => format!("; {n} ended"),
    };
    let n = flows.without_translation;
    format!("at most {n} connections began in that gap without source translation{unknown}{ended}")
}

fn gap_line(gap: &Gap) -> String {
    let (what, who) = (what(&gap.took), who(&gap.by));
    match &gap.outcome {
        Outcome::Repaired { quiet_ms, took_ms, gap_ms, .. } => {
            let (quiet, took, gap) = (ms(*quiet_ms), ms(*took_ms), ms(*gap_ms));
            format!("repaired {what} after {quiet} of quiet, in {took}; gap {gap}; taken by {who}")
        }
        Outcome::WouldRepair { quiet_ms } => {
            format!("would repair {what} after {} of quiet; taken by {who}", ms(*quiet_ms))
        }
        Outcome::Returned { gap_ms } => {
            format!("back without us: {what}; gap {}; taken by {who}", ms(*gap_ms))
        }
    }
}

/// As `events` shows it. `time`: its beginning, as text.
pub fn event_screen(event: &Event, time: &str) -> String {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let mut out = String::new();
    let mut say = |text: &str| out += &wrapped(INDENT, text);
    match &event.what {
        What::Gap(gap) => {
            say(&format!("{time}  {}", who(&gap.by)));
            let commits = match gap.commits {
                None | Some(0) => String::new(),
                Some(n) => format!("   ({})", plural(n as usize, "commit")),
            };
            say(&format!("{:2}took  {}{commits}", "", what(&gap.took)));
            say(&format!("{:2}{}", "", end(&gap.outcome)));
            for command in commands(gap) {
                say(&format!("{:2}by    {command}", ""));
            }
        }
        What::Yielded { .. } => {
            say(&format!("{time}  ! {}", event_line(event)));
            // After it is broken into lines: colour takes no room.
            out = out.replacen('!', &format!("{red}!{red:#}"), 1);
        }
        What::Flows(_) | What::Recovered { .. } | What::Paused { .. } | What::Resumed { .. } => {
            say(&format!("{time}  {}", event_line(event)));
        }
    }
    out
}

fn end(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Repaired { quiet_ms, took_ms, gap_ms, .. } => {
            let (quiet, took, gap) = (ms(*quiet_ms), ms(*took_ms), ms(*gap_ms));
            format!("back  after {quiet} of quiet, in {took}; gap {gap}")
        }
        Outcome::WouldRepair { quiet_ms } => {
            format!("only watched: it would be repaired after {} of quiet", ms(*quiet_ms))
        }
        Outcome::Returned { gap_ms } => format!("back  without us; gap {}", ms(*gap_ms)),
    }
}

/// The command lines of those who are known.
fn commands(gap: &Gap) -> Vec<String> {
    let sure = gap.by.iter().filter(|s| s.any_of.len() == 1 && !s.incomplete);
    let commands = sure.filter_map(|s| s.any_of.first()?.process.as_ref()?.command.clone());
    let mut all: Vec<String> = commands.collect();
    all.dedup();
    all
}

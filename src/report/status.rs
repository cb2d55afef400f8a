//! The whole truth on one screen.
use super::lines::{length, thousands, wrapped};
use crate::damage::plural;
use crate::policy::Counts;
use crate::reconcile::Look;
use crate::safe;
use crate::status::{Day, Status, TableState};
use anstyle::{AnsiColor, Style};
use chainkeeper_contract::{Family, Table};
use std::cmp::Reverse;
use std::fmt::Write as _;
use std::path::Path;

/// Column of facts.
const INDENT: usize = 12;
/// The same of `check`.
const COLUMN: usize = 9;
/// Width of a table's column.
const CELL: usize = 16;

/// How a table is, in a word or two.
pub fn word(state: TableState) -> &'static str {
    match state {
        TableState::InSync => "in sync",
        TableState::Watched => "watched, gone",
        TableState::Yielded => "yielded",
        TableState::Drifted => "drifted",
        TableState::Failed => "failed",
    }
}

fn cell(state: TableState, padded: bool) -> String {
    let colour = match state {
        TableState::InSync => AnsiColor::Green,
        TableState::Watched | TableState::Yielded => AnsiColor::Yellow,
        TableState::Drifted | TableState::Failed => AnsiColor::Red,
    };
    let style = Style::new().fg_color(Some(colour.into()));
    let (word, width) = (word(state), if padded { CELL } else { 0 });
    format!("{style}{word}{style:#}{:1$}", "", width.saturating_sub(word.len()))
}

/// `12,934 connections masqueraded, 3 packets dropped, 0 martians`, of the rules that there are.
fn counters(status: &Status) -> Option<String> {
    // Table nat sees the first packet of each connection only.
    let kinds = [
        (Counts::Masqueraded, "connection", " masqueraded"),
        (Counts::Dropped, "packet", " dropped"),
        (Counts::Martian, "martian", ""),
    ];
    let words = kinds.into_iter().filter_map(|(kind, what, done)| {
        let n = status.packets(kind)?;
        Some(format!("{} {what}{}{done}", thousands(n), if n == 1 { "" } else { "s" }))
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// How each table of each family is.
fn grid(status: &Status, out: &mut String) {
    let _ = write!(out, "{:INDENT$}", "");
    let order = [Table::Nat, Table::Filter, Table::Mangle];
    let heads: Vec<String> = order.iter().map(|t| format!("{:CELL$}", t.to_string())).collect();
    let _ = writeln!(out, "{}", heads.concat().trim_end());
    for (family, tables) in &status.families {
        let name = match family {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        };
        let _ = write!(out, "{name:INDENT$}");
        for (n, state) in order.iter().filter_map(|t| tables.get(t)).enumerate() {
            let _ = write!(out, "{}", cell(*state, n + 1 < order.len()));
        }
        out.push('\n');
    }
}

/// `2 repairs, gaps 251 ms p50, 266 ms max; by iptables 2, nft 1`.
fn day(day: &Day) -> String {
    let gaps = match day.repairs {
        0 => String::new(),
        _ => format!(", gaps {:.0} ms p50, {:.0} ms max", day.gap_p50_ms, day.gap_max_ms),
    };
    let mut by: Vec<_> = day.by.iter().collect();
    by.sort_by_key(|(_, n)| Reverse(**n));
    let by: Vec<String> = by.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let by = if by.is_empty() { String::new() } else { format!("; by {}", by.join(", ")) };
    format!("{}{gaps}{by}", plural(day.repairs, "repair"))
}

/// `status`, for people.
pub fn status(status: &Status) -> String {
    let mut out = String::new();
    let generation = status.generation.map_or(String::new(), |g| format!("  generation {g}"));
    let _ = writeln!(
        out,
        "chainkeeper {}  {}  up {}{generation}",
        safe::line(&status.version),
        safe::line(&status.backend),
        length(status.up_ms)
    );
    grid(status, &mut out);
    out.push('\n');
    let mut fact =
        |name: &str, text: &str| out += &wrapped(INDENT, &format!("{name:INDENT$}{text}"));
    fact("backend", &format!("{}: {}", status.backend, status.why));
    let heard = match status.watch.as_str() {
        "events" => "the kernel tells of each commit",
        "asked" => "others' commits are asked for",
        why => why,
    };
    let looked = status
        .looked_ms
        .map_or("nothing could be read yet".into(), |ms| format!("last look {} ago", length(ms)));
    fact("watching", &format!("{heard}; {looked}"));
    match status.keep.as_str() {
        "all" => {}
        "none" => fact("keeping", "nothing: it only watches (--observe, keep none)"),
        list => fact("keeping", &format!("{list}; the rest is only watched")),
    }
    fact("last 24 h", &day(&status.day));
    if let Some(counters) = counters(status) {
        fact("counters", &counters);
    }
    for one in &status.yielded {
        let (chain, by, rounds) = (&one.chain, &one.by, one.rounds);
        let text =
            format!("{chain}: {by} undid it {rounds} times; next try in {}", length(one.again_ms));
        fact("yielded", &text);
    }
    if let Some(ms) = status.paused_ms {
        fact("paused", &format!("for {} more: nothing is written", length(ms)));
    }
    if !status.is_alive() {
        let (busy, most) = (status.busy_ms.unwrap_or_default(), status.busy_most_ms);
        let text = format!("for {}: an order takes at most {}", length(busy), length(most));
        fact("hung", &format!("{text}. Restart the service"));
    }
    status.errors.iter().for_each(|error| fact("error", error));
    status.problems.iter().for_each(|problem| fact("problem", problem));
    out
}

/// `check --live` where nothing answers, for people. `socket`: where it was asked.
pub fn absent(socket: Option<&Path>) -> String {
    let socket = socket.map_or("none".into(), |path| path.display().to_string());
    wrapped(0, &format!("no service is running: nothing answers at {socket}"))
}

/// `check --live` of a service that answers.
pub fn live(status: &Status) -> String {
    if !status.is_alive() {
        let busy = length(status.busy_ms.unwrap_or_default());
        return format!("running, but the worker has hung for {busy}\n");
    }
    match status.looked_ms {
        None => "running, but nothing could be read yet\n".into(),
        Some(_) => "running\n".into(),
    }
}

/// `check`, for people: what is missing, wrong or yielded, a line each.
pub fn check(look: &Look, status: Option<&Status>) -> String {
    let mut out = String::new();
    let mut fact =
        |name: &str, text: &str| out += &wrapped(COLUMN, &format!("{name:COLUMN$}{text}"));
    if look.in_sync() {
        fact("in sync", "");
    }
    for (key, loss) in &look.missing().0 {
        fact("missing", &format!("{key}: {loss}"));
    }
    look.problems().iter().for_each(|problem| fact("problem", problem));
    for one in status.iter().flat_map(|status| &status.yielded) {
        fact("yielded", &format!("{}: {} undid it {} times", one.chain, one.by, one.rounds));
    }
    if status.is_some_and(|status| status.paused_ms.is_some()) {
        fact("paused", "the service writes nothing; `chainkeeper resume` ends it");
    }
    out
}

//! Reads iptables-save text: tables, chains, and each rule as it stands. A save may have 50,000
//! rules of which a hundred matter, so no rule is taken apart here.
use super::words::Words;
use crate::names::ChainName;
use crate::observed::Counters;

/// One table of a save.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Save {
    /// Its name as printed.
    pub table: String,
    /// Declared chains, and the policy of a built-in one.
    pub chains: Vec<(ChainName, Option<String>)>,
    /// Its rules in the order of the text.
    pub rules: Vec<Printed>,
}

/// A rule of a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The chain it stands in.
    pub chain: ChainName,
    /// Its specification: without `-A CHAIN`, without counters, else as printed. Has a newline where a
    /// comment has one.
    pub spec: String,
    /// What it has counted, where the text says so.
    pub counters: Option<Counters>,
}

/// Why a save cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text ended inside a table: it was cut off, and is not "empty".
    #[error("table {0} has no COMMIT: the text was cut off")]
    Truncated(String),
    /// A line that belongs to no table or cannot be split.
    #[error("line {0} cannot be read: {1}")]
    Line(usize, String),
}

/// Reads all tables of a save. Only blanks part words and only newlines part lines, as iptables has
/// it: other white space may be part of a chain's name.
pub fn parse_save(text: &str) -> Result<Vec<Save>, ParseError> {
    let mut tables = Vec::new();
    let mut open: Option<Save> = None;
    let (mut rest, mut number) = (text, 1);
    while !rest.is_empty() {
        let mut line = rest.split('\n').next().unwrap_or(rest);
        let bad = || ParseError::Line(number, line.to_owned());
        match (line.bytes().next(), open.as_mut()) {
            (None | Some(b'#'), _) => {}
            (Some(b'*'), None) => {
                open = Some(Save { table: line[1..].to_owned(), ..Save::default() });
            }
            (Some(b':'), Some(save)) => save.chains.push(chain(&line[1..]).ok_or_else(bad)?),
            (Some(b'C'), Some(_)) if line == "COMMIT" => tables.extend(open.take()),
            (Some(b'-' | b'['), Some(save)) => {
                let (chain, start, counters) = rule(line).ok_or_else(bad)?;
                let end = end_of_rule(rest, line.len(), start).ok_or_else(bad)?;
                let (chain, spec) = (ChainName::from(chain), rest[start..end].to_owned());
                save.rules.push(Printed { chain, spec, counters });
                line = &rest[..end];
                number += line.matches('\n').count();
            }
            (Some(_), _) => return Err(bad()),
        }
        number += 1;
        rest = rest.get(line.len() + 1..).unwrap_or("");
    }
    match open {
        Some(save) => Err(ParseError::Truncated(save.table)),
        None => Ok(tables),
    }
}

/// `NAME POLICY [packets:bytes]`.
fn chain(line: &str) -> Option<(ChainName, Option<String>)> {
    let mut words = line.split(' ');
    let (name, policy) = (words.next()?, words.next()?);
    let counted =
        words.next().is_none_or(|word| counters(word).is_some_and(|(_, rest)| rest.is_empty()));
    (counted && !name.is_empty() && words.next().is_none())
        .then(|| (ChainName::from(name), Some(policy).filter(|p| *p != "-").map(str::to_owned)))
}

/// The chain of `[packets:bytes] -A CHAIN ...`, where its specification starts, and the counters, which
/// come from `-c`.
fn rule(line: &str) -> Option<(&str, usize, Option<Counters>)> {
    let (counters, rule) = match counters(line) {
        Some((counters, rest)) => (counters, rest.strip_prefix(' ')?),
        None => (None, line),
    };
    let rest = rule.strip_prefix("-A ")?;
    let (chain, spec) = rest.split_once(' ').unwrap_or((rest, ""));
    (!chain.is_empty()).then_some((chain, line.len() - spec.len(), counters))
}

/// Where the rule ends at the head of this text: at the end of its line, but for newlines in a comment.
/// `None` when a quote is never closed: the text was cut off there, or is none of iptables.
fn end_of_rule(text: &str, line: usize, spec: usize) -> Option<usize> {
    if !text[spec..line].contains('"') {
        return Some(line);
    }
    Some(text.len() - Words::new(&text[spec..]).left()?)
}

/// `[packets:bytes]`, and what follows. Numbers that no kernel counts up to are no counters.
fn counters(text: &str) -> Option<(Option<Counters>, &str)> {
    let (packets, rest) = number(text.strip_prefix('[')?)?;
    let (bytes, rest) = number(rest.strip_prefix(':')?)?;
    let counters = packets.zip(bytes).map(|(packets, bytes)| Counters { packets, bytes });
    Some((counters, rest.strip_prefix(']')?))
}

/// The number that a text begins with, and what follows.
fn number(text: &str) -> Option<(Option<u64>, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (end > 0).then(|| (digits.parse().ok(), rest))
}

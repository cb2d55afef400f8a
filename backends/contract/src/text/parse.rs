//! Reads iptables-save text. Total: what is not one of our kind of rule is kept as text.
use super::words::split;
use crate::names::{ChainName, Family};
use crate::rule::{Action, Cond, CtStates, Mark, Matches, Prefix, Rule};
use std::net::IpAddr;

/// A rule line: read by meaning, or kept as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A rule of our kind.
    Rule(Rule),
    /// The specification as text, without `-A CHAIN`.
    Foreign(String),
}

/// One table of a save.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Save {
    /// Its name as printed.
    pub table: String,
    /// Declared chains, and the policy of a built-in one.
    pub chains: Vec<(ChainName, Option<String>)>,
    /// Rules in the order of the text.
    pub rules: Vec<(ChainName, Line)>,
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

/// Reads all tables of a save.
pub fn parse_save(family: Family, text: &str) -> Result<Vec<Save>, ParseError> {
    let mut tables = Vec::new();
    let mut open: Option<Save> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let bad = || ParseError::Line(number + 1, line.to_owned());
        match (line.chars().next(), open.as_mut()) {
            (None | Some('#'), _) => {}
            (Some('*'), None) => {
                open = Some(Save { table: line[1..].to_owned(), ..Save::default() });
            }
            (Some(':'), Some(save)) => {
                let mut words = line[1..].split_whitespace();
                let name = words.next().ok_or_else(bad)?;
                let policy = words.next().filter(|p| *p != "-").map(str::to_owned);
                save.chains.push((ChainName::from(name), policy));
            }
            (Some('C'), Some(_)) if line == "COMMIT" => tables.extend(open.take()),
            (Some('-' | '['), Some(save)) => {
                // `[packets:bytes]` in front comes from `-c`.
                let rule =
                    line.split_once(']').filter(|_| line.starts_with('[')).map_or(line, |x| x.1);
                let rest = rule.trim().strip_prefix("-A ").ok_or_else(bad)?;
                let (chain, spec) = rest.split_once(' ').unwrap_or((rest, ""));
                save.rules.push((ChainName::from(chain), parse_spec(family, spec)));
            }
            (Some(_), _) => return Err(bad()),
        }
    }
    match open {
        Some(save) => Err(ParseError::Truncated(save.table)),
        None => Ok(tables),
    }
}

/// Reads one rule specification (without `-A CHAIN`).
pub fn parse_spec(family: Family, spec: &str) -> Line {
    split(spec)
        .and_then(|words| rule(family, &words))
        .map_or_else(|| Line::Foreign(spec.to_owned()), Line::Rule)
}

fn rule(family: Family, words: &[String]) -> Option<Rule> {
    let mut words = words.iter().map(String::as_str);
    let (mut matches, mut action, mut comment) = (Matches::default(), None, None);
    let mut negated = false;
    while let Some(word) = words.next() {
        match word {
            "!" if !negated => {
                negated = true;
                continue;
            }
            "-s" | "--source" | "--src" => {
                once(&mut matches.source, negated, prefix(family, words.next()?)?)?
            }
            "-d" | "--destination" | "--dst" => {
                once(&mut matches.destination, negated, prefix(family, words.next()?)?)?
            }
            "-m" if !negated && matches!(words.next()?, "comment" | "mark" | "conntrack") => {}
            "--comment" if !negated && comment.is_none() => {
                comment = Some(words.next()?.to_owned())
            }
            "--mark" => once(&mut matches.mark, negated, mark(words.next()?)?)?,
            "--ctstate" => once(&mut matches.ctstate, negated, states(words.next()?)?)?,
            "-j" if !negated && action.is_none() => action = Some(target(&mut words)?),
            _ => return None,
        }
        negated = false;
    }
    (!negated).then_some(Rule { matches, action: action?, comment })
}

fn once<T>(slot: &mut Option<Cond<T>>, negated: bool, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(Cond { negated, value }))
}

fn target<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Action> {
    Some(match words.next()? {
        "DROP" => Action::Drop,
        "RETURN" => Action::Return,
        "MASQUERADE" => match words.next() {
            None => Action::Masquerade { random_fully: false },
            Some("--random-fully") => Action::Masquerade { random_fully: true },
            Some(_) => return None,
        },
        "MARK" => {
            let (op, arg) = (words.next()?, words.next()?);
            match op {
                "--set-xmark" => {
                    let m = mark(arg)?;
                    Action::Mark { value: m.value, mask: m.mask }
                }
                "--or-mark" => number(arg).map(|v| Action::Mark { value: v, mask: v })?,
                "--xor-mark" => number(arg).map(|v| Action::Mark { value: v, mask: 0 })?,
                _ => return None,
            }
        }
        // Names in capitals without a dash may be targets of extensions; a user chain of ours has one.
        name if name.contains('-') => Action::Jump(ChainName::from(name)),
        _ => return None,
    })
}

fn prefix(family: Family, text: &str) -> Option<Prefix> {
    let (addr, len) = match text.split_once('/') {
        Some((addr, len)) => (addr, len.parse().ok()?),
        None => (text, family.address_bits()),
    };
    let addr: IpAddr = addr.parse().ok()?;
    (addr.is_ipv4() == (family == Family::Ipv4)).then_some(())?;
    Prefix::new(addr, len)
}

fn mark(text: &str) -> Option<Mark> {
    match text.split_once('/') {
        Some((value, mask)) => Some(Mark { value: number(value)?, mask: number(mask)? }),
        None => Some(Mark { value: number(text)?, mask: u32::MAX }),
    }
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn states(text: &str) -> Option<CtStates> {
    text.split(',').try_fold(CtStates(0), |all, name| {
        let bit = CtStates::NAMES.iter().find(|n| n.1 == name)?.0;
        Some(CtStates(all.0 | bit))
    })
}

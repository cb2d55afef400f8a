//! Reads a rule by its meaning. Every word is understood, or the rule is kept as text: a rule that
//! is taken for ours may be deleted, one that is foreign never is.
use super::words::Words;
use crate::names::{ChainName, Family};
use crate::rule::{Action, Cond, CtStates, Mark, Matches, Prefix, Rule};
use std::net::IpAddr;

/// The kernel's room for a comment, XT_MAX_COMMENT_LEN, without the zero at its end.
const COMMENT_MAX: usize = 255;

/// A rule line: read by meaning, or kept as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A rule of our kind.
    Rule(Rule),
    /// The specification as text, without `-A CHAIN`.
    Foreign(String),
}

/// Reads one rule specification (without `-A CHAIN`).
///
/// Does not know which chains there are. Where a chain is called like a target (`MASQUERADE`; iptables
/// refuses that, iptables-restore does not), a target without options may be a jump to it.
pub fn parse_spec(family: Family, spec: &str) -> Line {
    rule(family, spec).map_or_else(|| Line::Foreign(spec.to_owned()), Line::Rule)
}

fn rule(family: Family, spec: &str) -> Option<Rule> {
    let mut words = Words::new(spec);
    let (mut matches, mut comment) = (Matches::default(), None);
    let action = loop {
        let (negated, option) = turned(&mut words)?;
        match option {
            "-s" | "--source" | "--src" => {
                once(&mut matches.source, Cond { negated, value: prefix(family, words.bare()?)? })?;
            }
            "-d" | "--destination" | "--dst" => {
                let value = prefix(family, words.bare()?)?;
                once(&mut matches.destination, Cond { negated, value })?;
            }
            "-m" if !negated => extension(&mut words, &mut matches, &mut comment)?,
            "-j" if !negated => break target(&mut words)?,
            _ => return None,
        }
    };
    words.all_read().then_some(Rule { matches, action, comment })
}

/// An option, and whether `!` stands before it.
fn turned<'a>(words: &mut Words<'a>) -> Option<(bool, &'a str)> {
    match words.next()?.option()? {
        "!" => Some((true, words.next()?.option()?)),
        option => Some((false, option)),
    }
}

/// What follows `-m`: the extension's name and the one option of it that we know. More options of
/// the same extension then are no options of ours.
fn extension(
    words: &mut Words<'_>,
    matches: &mut Matches,
    comment: &mut Option<String>,
) -> Option<()> {
    let name = words.bare()?;
    match (name, turned(words)?) {
        ("comment", (false, "--comment")) => {
            let text = words.next()?.text();
            (text.len() <= COMMENT_MAX).then_some(())?;
            once(comment, text.into_owned())
        }
        ("mark", (negated, "--mark")) => {
            once(&mut matches.mark, Cond { negated, value: mark(words.bare()?)? })
        }
        ("conntrack", (negated, "--ctstate")) => {
            once(&mut matches.ctstate, Cond { negated, value: states(words.bare()?)? })
        }
        _ => None,
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

fn target(words: &mut Words<'_>) -> Option<Action> {
    let name = words.bare()?;
    let options = words.next().map(|word| word.option()).map_or(Some(None), |o| o.map(Some))?;
    Some(match (name, options) {
        ("DROP", None) => Action::Drop,
        ("RETURN", None) => Action::Return,
        ("MASQUERADE", None) => Action::Masquerade { random_fully: false },
        ("MASQUERADE", Some("--random-fully")) => Action::Masquerade { random_fully: true },
        ("MARK", Some("--set-xmark")) => {
            let Mark { value, mask } = mark(words.bare()?)?;
            Action::Mark { value, mask }
        }
        ("MARK", Some("--or-mark")) => {
            let value = number(words.bare()?)?;
            Action::Mark { value, mask: value }
        }
        ("MARK", Some("--xor-mark")) => Action::Mark { value: number(words.bare()?)?, mask: 0 },
        // Names in capitals without a dash may be targets of extensions; a user chain of ours has one.
        (name, None) if name.contains('-') => Action::Jump(ChainName::from(name)),
        _ => return None,
    })
}

/// The kernel compares the masked address of a packet with the address as it stands. So host bits
/// are no slip but another rule, one that never matches; iptables itself cannot make it.
fn prefix(family: Family, text: &str) -> Option<Prefix> {
    let (addr, len) = match text.split_once('/') {
        Some((addr, len)) => (addr, u8::try_from(decimal(len)?).ok()?),
        None => (text, family.address_bits()),
    };
    let addr: IpAddr = addr.parse().ok()?;
    (addr.is_ipv4() == (family == Family::Ipv4)).then_some(())?;
    Prefix::new(addr, len).filter(|prefix| prefix.addr == addr)
}

fn mark(text: &str) -> Option<Mark> {
    match text.split_once('/') {
        Some((value, mask)) => Some(Mark { value: number(value)?, mask: number(mask)? }),
        None => Some(Mark { value: number(text)?, mask: u32::MAX }),
    }
}

/// As strtoul reads it with base 0, but for octal, which nobody prints.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        // Rust would take a sign, too.
        Some(hex) if !hex.starts_with('+') => u32::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => decimal(text),
    }
}

fn decimal(text: &str) -> Option<u32> {
    let octal = text.starts_with('0') && text != "0";
    (!octal && !text.starts_with('+')).then(|| text.parse().ok())?
}

/// Names of states, each once.
fn states(text: &str) -> Option<CtStates> {
    text.split(',').try_fold(CtStates(0), |all, name| {
        let bit = CtStates::NAMES.iter().find(|n| n.1 == name)?.0;
        (all.0 & bit == 0).then_some(CtStates(all.0 | bit))
    })
}

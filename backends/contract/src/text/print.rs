//! Rules as iptables-save prints them (spelling and order as iptables 1.8.9).
use crate::names::Table;
use crate::rule::{Action, Cond, CtStates, Mark, Rule};
use crate::ruleset::Ruleset;
use std::fmt::{self, Write as _};

/// A ruleset as `iptables-save` would print it: tables in its order, chains by name, `:NAME - [0:0]`.
pub fn save(set: &Ruleset) -> String {
    let mut out = String::new();
    for table in Table::ALL {
        let mut names: Vec<String> = set
            .chains
            .iter()
            .filter(|c| c.table == table)
            .map(|c| c.name.to_string())
            .chain(set.canaries.iter().filter(|c| c.table == table).map(|c| c.shared.to_string()))
            .collect();
        if names.is_empty() {
            continue;
        }
        names.sort();
        let _ = writeln!(out, "*{table}");
        for name in names {
            let _ = writeln!(out, ":{name} - [0:0]");
        }
        let mut jumps: Vec<_> = set.jumps.iter().filter(|j| j.table == table).collect();
        jumps.reverse(); // each is put first: the last of a hook stands first
        jumps.sort_by_key(|j| j.hook);
        for jump in jumps {
            let _ = writeln!(out, "-A {} {}", jump.hook, jump.rule);
        }
        let mut chains: Vec<_> = set.chains.iter().filter(|c| c.table == table).collect();
        chains.sort_by(|a, b| a.name.cmp(&b.name));
        for chain in chains {
            for rule in &chain.rules {
                let _ = writeln!(out, "-A {} {rule}", chain.name);
            }
        }
        out.push_str("COMMIT\n");
    }
    out
}

/// The rule's specification, without `-A CHAIN`. Addresses come first, whatever the command line
/// said; the mark match of ours follows the comment, as kubelet writes it.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = &self.matches;
        if let Some(c) = &m.source {
            write!(f, "{}-s {}/{} ", bang(c), c.value.addr, c.value.len)?;
        }
        if let Some(c) = &m.destination {
            write!(f, "{}-d {}/{} ", bang(c), c.value.addr, c.value.len)?;
        }
        if let Some(comment) = &self.comment {
            write!(f, "-m comment --comment {} ", quoted(comment))?;
        }
        if let Some(c) = &m.mark {
            write!(f, "-m mark {}--mark {} ", bang(c), mark(c.value))?;
        }
        if let Some(c) = &m.ctstate {
            write!(f, "-m conntrack {}--ctstate {} ", bang(c), states(c.value))?;
        }
        match &self.action {
            Action::Drop => f.write_str("-j DROP"),
            Action::Return => f.write_str("-j RETURN"),
            Action::Jump(to) => write!(f, "-j {to}"),
            Action::Mark { value, mask } => write!(f, "-j MARK --set-xmark {value:#x}/{mask:#x}"),
            Action::Masquerade { random_fully: true } => {
                f.write_str("-j MASQUERADE --random-fully")
            }
            Action::Masquerade { random_fully: false } => f.write_str("-j MASQUERADE"),
        }
    }
}

fn bang<T>(cond: &Cond<T>) -> &'static str {
    if cond.negated { "! " } else { "" }
}

fn mark(m: Mark) -> String {
    match m.mask {
        u32::MAX => format!("{:#x}", m.value),
        mask => format!("{:#x}/{mask:#x}", m.value),
    }
}

fn states(s: CtStates) -> String {
    let names = CtStates::NAMES.iter().filter(|(bit, _)| s.0 & bit != 0);
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// Quotes as iptables does: everything that is not of letters, digits, `-` and `_`.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

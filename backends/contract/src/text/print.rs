//! Rules as iptables-save prints them (spelling and order as iptables 1.8.9).
use crate::names::Table;
use crate::rule::{Action, Cond, CtStates, Mark, Prefix, Rule};
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
        let mut words = Vec::new();
        let m = &self.matches;
        words.extend(m.source.as_ref().map(|c| format!("{}-s {}", bang(c), prefix(&c.value))));
        words.extend(m.destination.as_ref().map(|c| format!("{}-d {}", bang(c), prefix(&c.value))));
        words.extend(self.comment.as_ref().map(|c| format!("-m comment --comment {}", quoted(c))));
        words.extend(
            m.mark.as_ref().map(|c| format!("-m mark {}--mark {}", bang(c), mark(c.value))),
        );
        words.extend(
            m.ctstate
                .as_ref()
                .map(|c| format!("-m conntrack {}--ctstate {}", bang(c), states(c.value))),
        );
        words.push(match &self.action {
            Action::Drop => "-j DROP".into(),
            Action::Return => "-j RETURN".into(),
            Action::Jump(to) => format!("-j {to}"),
            Action::Mark { value, mask } => format!("-j MARK --set-xmark {value:#x}/{mask:#x}"),
            Action::Masquerade { random_fully: true } => "-j MASQUERADE --random-fully".into(),
            Action::Masquerade { random_fully: false } => "-j MASQUERADE".into(),
        });
        f.write_str(&words.join(" "))
    }
}

fn bang<T>(cond: &Cond<T>) -> &'static str {
    if cond.negated { "! " } else { "" }
}

fn prefix(p: &Prefix) -> String {
    format!("{}/{}", p.addr, p.len)
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
    let mut out = String::from('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

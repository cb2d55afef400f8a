//! What is wrong and not ours to mend, in words. Pure.
use super::Look;
use crate::safe;
use chainkeeper_contract::{Problem, Table};

/// Its table, what it is about (that table, or a chain of it), and what is wrong with that.
pub fn words(problem: &Problem) -> (Table, String, String) {
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
        Problem::Neighbour { table, rule } => {
            let text = format!(
                "left alone unless --force-dialect: native rules would hide {rule} from iptables-nft"
            );
            (table, table.to_string(), text)
        }
        Problem::HeldBack { table, by } => {
            let text = format!("left alone with table {by}: marks must mean something");
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
    (*table, name, text)
}

impl Look {
    /// One line each, table by table: `ip nat the table is dormant: ..`.
    pub fn problems(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (family, outcome) in &self.families {
            let mut all: Vec<_> = outcome.iter().flat_map(|d| &d.problems).map(words).collect();
            all.sort_by_key(|(table, ..)| *table);
            let line = |(_, name, text)| safe::line(&format!("{family} {name}: {text}"));
            lines.extend(all.into_iter().map(line));
        }
        lines
    }
}

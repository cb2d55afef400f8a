//! What our rules have counted. Pure.
use crate::policy::{self, Counts};
use chainkeeper_contract::{ChainName, Family, Observed, Rule, RuleSeen, Ruleset, Table};
use serde::{Deserialize, Serialize};

/// What a rule of ours has counted since it was written. No two of a family, table and chain have the same
/// rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The family.
    pub family: Family,
    /// The table.
    pub table: Table,
    /// The chain that it stands in.
    pub chain: ChainName,
    /// The rule that we want, as iptables-save prints it.
    pub rule: String,
    /// What becomes of the packets.
    pub counts: Counts,
    /// Packets. In table nat that is the first one of each connection: the kernel shows it no other.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What is counted of the rules that are wanted in their chains. Copies of a rule are added up; a rule that
/// is not there, or has no counter, is left out.
pub(super) fn counted(want: &Ruleset, seen: &Observed) -> Vec<Counted> {
    let mut out = Vec::new();
    for chain in &want.chains {
        let Some(found) = seen.chain(chain.table, &chain.name) else { continue };
        // The other form of a rule, where somebody keeps that one, is as good; many rules are in both.
        let forms = chain.rules.iter().chain(chain.instead.iter().flatten());
        let mut wanted: Vec<&Rule> = Vec::new();
        for rule in forms {
            if !wanted.iter().any(|w| w.means(rule)) {
                wanted.push(rule);
            }
        }
        for rule in wanted {
            let same = |s: &&RuleSeen| s.rule().is_some_and(|r| rule.means(r));
            let counters = found.rules.iter().filter(same).filter_map(|s| s.counters);
            let sum = counters.map(|c| (c.packets, c.bytes)).reduce(|(packets, bytes), (p, b)| {
                (packets.saturating_add(p), bytes.saturating_add(b))
            });
            out.extend(sum.map(|(packets, bytes)| Counted {
                family: want.family,
                table: chain.table,
                chain: chain.name.clone(),
                rule: rule.to_string(),
                counts: policy::counts(rule),
                packets,
                bytes,
            }));
        }
    }
    out
}

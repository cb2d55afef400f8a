//! What iptables-nft can read of a table: ours, and what others have there.
use super::{Delta, Note, Options, Problem};
use crate::names::Table;
use crate::observed::{ChainSeen, Observed, RuleSeen};
use crate::rule::Rule;
use crate::ruleset::{Chain, Ruleset};

/// Whether iptables-nft can read the rules that this backend writes, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readable {
    /// It can; say so where somebody else's rule keeps it from reading a table.
    #[default]
    Yes,
    /// It cannot: a table in which somebody uses iptables-nft is left alone.
    No,
    /// It cannot, and a table is written all the same.
    NoForced,
}

/// The problem that keeps us from writing to the table, if there is one; else at most a note.
pub(super) fn table(
    want: &Ruleset,
    seen: &Observed,
    table: Table,
    options: Options,
    out: &mut Delta,
) -> Option<Problem> {
    let rules = want.jumps.iter().any(|j| j.table == table)
        || want.chains.iter().any(|c| c.table == table && !c.rules.is_empty());
    let found = seen.tables.get(&table).filter(|_| rules)?;
    let neighbour = found.neighbour.clone();
    match options.readable {
        Readable::Yes => {
            let unreadable = found.chains.iter().find_map(|(name, chain)| {
                let wanted = want.chain(table, name).filter(|_| chain.ours);
                Some(format!("{name} {}", unreadable(wanted, chain)?.outline().text))
            });
            out.notes.extend(unreadable.map(|by| Note::Unreadable { table, by }));
            None
        }
        Readable::No => neighbour.map(|rule| Problem::Neighbour { table, rule }),
        Readable::NoForced => {
            out.notes.extend(neighbour.map(|rule| Note::Hides { table, rule }));
            None
        }
    }
}

/// The first unreadable rule that stays: ours in a chain that we made are rewritten, or retired.
fn unreadable<'a>(ours: Option<&Chain>, chain: &'a ChainSeen) -> Option<&'a RuleSeen> {
    let goes =
        |rule: &Rule| ours.is_some_and(|c| c.rules.iter().chain(&c.retired).any(|w| w.means(rule)));
    chain.rules.iter().find(|r| r.unreadable && !r.rule().is_some_and(goes))
}

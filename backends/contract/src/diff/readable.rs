//! What iptables-nft can read of a table: ours, and what others have there.
use super::{Delta, Note, Options, Problem};
use crate::meaning::{Owned, Rules};
use crate::names::Table;
use crate::observed::{Observed, TableSeen};
use crate::rule::Rule;
use crate::ruleset::Ruleset;

/// Whether iptables-nft can read the rules that this backend writes, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readable {
    /// It can; say so where somebody else's rule keeps it from reading a table.
    #[default]
    Yes,
    /// It cannot: a family in whose tables somebody uses iptables-nft gets no rule.
    No,
    /// It cannot, and the tables are written all the same.
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
    if !holds_rules(want, table) {
        return None;
    }
    let found = seen.tables.get(&table);
    let neighbour = found.and_then(|t| t.neighbour.clone());
    match options.readable {
        Readable::Yes => {
            let by = found.and_then(|found| unreadable(want, table, found));
            out.notes.extend(by.map(|by| Note::Unreadable { table, by }));
            return None;
        }
        Readable::No if refuses(want, seen, table) => {
            return neighbour.map(|rule| Problem::Neighbour { table, rule });
        }
        Readable::No => {
            if let Some(by) = Table::ALL.into_iter().find(|t| refuses(want, seen, *t)) {
                return Some(Problem::HeldBack { table, by });
            }
        }
        Readable::NoForced => {}
    }
    out.notes.extend(neighbour.map(|rule| Note::Hides { table, rule }));
    None
}

fn holds_rules(want: &Ruleset, table: Table) -> bool {
    want.jumps.iter().any(|j| j.table == table)
        || want.chains.iter().any(|c| c.table == table && !c.rules.is_empty())
}

/// Where a rule hides the table already, ours take nothing away any more.
fn refuses(want: &Ruleset, seen: &Observed, table: Table) -> bool {
    let found = seen.tables.get(&table).filter(|_| holds_rules(want, table));
    found.is_some_and(|t| t.neighbour.is_some() && !t.hidden)
}

/// The first unreadable rule that stays: ours in a chain that we made are rewritten, or retired.
fn unreadable(want: &Ruleset, table: Table, found: &TableSeen) -> Option<String> {
    found.chains.iter().find_map(|(name, chain)| {
        let mut unreadable = chain.rules.iter().filter(|r| r.unreadable).peekable();
        unreadable.peek()?;
        let ours = want.chain(table, name).filter(|_| chain.ours);
        let owned = Owned::of(ours.map_or(&[], |c| &c.rules), &chain.rules);
        let retired: Rules<'_> = ours.iter().flat_map(|c| &c.retired).collect();
        let goes =
            |rule: &Rule| owned.has(rule) || retired.mean(rule) || retired.differ_only_in_bit(rule);
        let rule = unreadable.find(|r| !r.rule().is_some_and(goes))?;
        Some(format!("{name} {} ({})", rule.outline().text, rule.handle))
    })
}

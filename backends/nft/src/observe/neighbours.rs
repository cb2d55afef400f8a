//! What iptables-nft can read of a table: for the native dialect, and for those who look for their
//! rules in vain.
use super::dump::table_rules;
use super::seen::{rule_seen, unreadable};
use super::{Look, Trouble};
use crate::expr::Expr;
use crate::read::RuleMsg;
use chainkeeper_contract::{Action, ChainName, Family, Observed, Rule, Scope, Seen, Table};
use std::collections::BTreeSet;

impl Look<'_> {
    /// Of each table with a hook of ours: the first rule of somebody else that iptables-nft reads, and
    /// whether another rule keeps it from reading the table.
    pub(super) fn neighbours(&mut self, scope: &Scope) -> Result<(), Trouble> {
        let hooked: BTreeSet<Table> = scope.hooks.keys().map(|(table, _)| *table).collect();
        for table in hooked {
            let (seen, family) = (&self.seen, self.family);
            let (mut neighbour, mut hidden) = (None, false);
            table_rules(self.socket, family, table.name(), |rule| {
                hidden |= unreadable(&rule);
                if neighbour.is_none() && is_theirs(seen, (family, table), &rule, scope) {
                    let text = rule_seen(family, &rule).outline().text;
                    neighbour = Some(format!("{} {text}", rule.chain));
                }
            })?;
            if let Some(seen) = self.seen.tables.get_mut(&table) {
                (seen.neighbour, seen.hidden) = (neighbour, hidden);
            }
        }
        Ok(())
    }
}

/// Neither in a chain that we made nor our jump to one. By the names of our chains alone a rule is
/// ours only if it has no extension: nft has restored it from a file then, and our mark is lost.
fn is_theirs(
    seen: &Observed,
    (family, table): (Family, Table),
    rule: &RuleMsg,
    scope: &Scope,
) -> bool {
    let chain = ChainName::from(rule.chain.as_str());
    let hook = scope.hooks.keys().any(|(t, hook)| *t == table && hook.chain() == chain);
    // A rule of a built-in chain that does nothing but jump belongs to where it jumps.
    let of = if hook { plain_jump(family, rule) } else { Some(chain) };
    let named = of.filter(|name| scope.chains.contains(&(table, name.clone())));
    let marked = named.as_ref().and_then(|n| seen.chain(table, n)).is_some_and(|c| c.ours);
    match (marked, named) {
        (true, _) => false,
        (false, Some(_)) => extends(rule),
        (false, None) => extends(rule) || counts(rule) && !unreadable(rule),
    }
}

fn plain_jump(family: Family, rule: &RuleMsg) -> Option<ChainName> {
    match rule_seen(family, rule).seen {
        Seen::Known(Rule { action: Action::Jump(to), matches, .. }) if matches.is_empty() => {
            Some(to)
        }
        Seen::Known(_) | Seen::Foreign(_) => None,
    }
}

fn extends(rule: &RuleMsg) -> bool {
    rule.exprs.iter().any(|e| e.extension().is_some())
}

/// iptables-nft counts in every rule. A rule of nft itself can look the same; iptables-nft reads it too.
fn counts(rule: &RuleMsg) -> bool {
    rule.exprs.iter().any(|e| matches!(e, Expr::Counter { .. }))
}

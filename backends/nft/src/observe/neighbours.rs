//! What iptables-nft can read of a table: for the native dialect, and for those who look for their
//! rules in vain.
use super::{Look, Trouble, rule_seen};
use crate::expr::{Expr, Verdict};
use crate::read::RuleMsg;
use chainkeeper_contract::{ChainName, Scope, Table};

/// True when iptables-nft fails on the rule, and with it on the whole table (or, up to 1.8.8, loses
/// what the rule does): measured with 1.8.2 to 1.8.13. Only of expressions for which that is certain.
pub(super) fn hides_its_table(exprs: &[Expr]) -> bool {
    exprs.iter().any(|e| matches!(e, Expr::MetaSet { .. } | Expr::Ct { .. } | Expr::Masq { .. }))
}

impl Look<'_> {
    /// The first rule of each table that iptables-nft reads and that is neither in a chain of ours nor
    /// a jump to one.
    pub(super) fn neighbours(&mut self, scope: &Scope) -> Result<(), Trouble> {
        for table in self.seen.tables.keys().copied().collect::<Vec<_>>() {
            let (rules, _) = self.rules(table, None, usize::MAX)?;
            let theirs = rules.iter().find(|r| iptables_wrote(r) && !self.is_ours(table, r, scope));
            let text =
                theirs.map(|r| format!("{} {}", r.chain, rule_seen(self.family, r).outline().text));
            if let Some(seen) = self.seen.tables.get_mut(&table) {
                seen.neighbour = text;
            }
        }
        Ok(())
    }

    fn is_ours(&self, table: Table, rule: &RuleMsg, scope: &Scope) -> bool {
        let chain = ChainName::from(rule.chain.as_str());
        let marked = |name: &ChainName| self.seen.chain(table, name).is_some_and(|c| c.ours);
        let jump = |targets: &std::collections::BTreeSet<ChainName>| {
            rule.exprs.iter().any(|e| {
                matches!(e, Expr::Immediate(Verdict::Jump(to))
                    if targets.contains(to.as_str()) && marked(&ChainName::from(to.as_str())))
            })
        };
        let hook = scope.hooks.iter().find(|((t, hook), _)| *t == table && hook.chain() == chain);
        marked(&chain) || hook.is_some_and(|(_, targets)| jump(targets))
    }
}

/// iptables-nft counts in every rule, and cannot read what [`hides_its_table`]. A rule of nft itself
/// can look the same; iptables-nft reads it too.
fn iptables_wrote(rule: &RuleMsg) -> bool {
    let counts = rule.exprs.iter().any(|e| matches!(e, Expr::Counter { .. }));
    counts && !hides_its_table(&rule.exprs)
}

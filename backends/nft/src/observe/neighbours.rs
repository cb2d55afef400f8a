//! What iptables-nft can read of a table: for the native dialect, and for those who look for their
//! rules in vain.
use super::seen::rule_seen;
use super::{Look, Trouble};
use crate::expr::{Expr, Verdict};
use crate::read::RuleMsg;
use crate::uapi::NFT_META_MARK;
use chainkeeper_contract::{ChainName, Scope, Table};

/// True when some iptables-nft fails on the rule and with it on the whole table, or loses what the rule
/// asks or does: measured with 1.8.2 to 1.8.13. Only where that is certain.
pub(super) fn unreadable(rule: &RuleMsg) -> bool {
    let native = |e: &Expr| matches!(e, Expr::MetaSet { .. } | Expr::Ct { .. } | Expr::Masq { .. });
    // 1.8.8 and later write the mark match natively themselves, but keep a comment in an expression.
    let commented_mark = !rule.userdata.is_empty()
        && rule.exprs.iter().any(|e| matches!(e, Expr::Meta { key: NFT_META_MARK, .. }));
    rule.exprs.iter().any(native) || commented_mark
}

impl Look<'_> {
    /// The first rule of each table that iptables-nft reads and that is somebody else's.
    pub(super) fn neighbours(&mut self, scope: &Scope) -> Result<(), Trouble> {
        for table in self.seen.tables.keys().copied().collect::<Vec<_>>() {
            let (rules, _) = self.rules(table, None, usize::MAX)?;
            let theirs = rules.iter().find(|r| self.is_theirs(table, r, scope));
            let text =
                theirs.map(|r| format!("{} {}", r.chain, rule_seen(self.family, r).outline().text));
            if let Some(seen) = self.seen.tables.get_mut(&table) {
                seen.neighbour = text;
            }
        }
        Ok(())
    }

    /// Neither in a chain that we made nor a jump to one. By the names of our chains alone a rule is
    /// ours only if it has no extension: nft has restored it from a file then, and our mark is lost.
    fn is_theirs(&self, table: Table, rule: &RuleMsg, scope: &Scope) -> bool {
        let chain = ChainName::from(rule.chain.as_str());
        let hook = scope.hooks.keys().any(|(t, hook)| *t == table && hook.chain() == chain);
        // A rule of a built-in chain belongs to where it jumps.
        let of = if hook { target(rule) } else { Some(chain) };
        let named = of.filter(|name| scope.chains.contains(&(table, name.clone())));
        let marked = named.as_ref().and_then(|n| self.seen.chain(table, n)).is_some_and(|c| c.ours);
        match (marked, named) {
            (true, _) => false,
            (false, Some(_)) => extends(rule),
            (false, None) => extends(rule) || counts(rule) && !unreadable(rule),
        }
    }
}

fn target(rule: &RuleMsg) -> Option<ChainName> {
    rule.exprs.iter().find_map(|e| {
        let Expr::Immediate(Verdict::Jump(to)) = e else { return None };
        Some(ChainName::from(to.as_str()))
    })
}

fn extends(rule: &RuleMsg) -> bool {
    rule.exprs.iter().any(|e| e.extension().is_some())
}

/// iptables-nft counts in every rule. A rule of nft itself can look the same; iptables-nft reads it too.
fn counts(rule: &RuleMsg) -> bool {
    rule.exprs.iter().any(|e| matches!(e, Expr::Counter { .. }))
}

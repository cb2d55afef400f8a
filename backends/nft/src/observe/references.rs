//! Who jumps to our chains: for `remove` only, by a full dump of each table.
use super::seen::rule_seen;
use super::{Look, Trouble};
use crate::expr::{Expr, Verdict};
use chainkeeper_contract::{ChainName, Handle, Reference, Scope};

impl Look<'_> {
    /// Every rule that jumps to a chain of the scope, by a full dump. What the kernel counts beyond
    /// those (NFTA_CHAIN_USE) jumps from a verdict map.
    pub(super) fn references(&mut self, scope: &Scope) -> Result<(), Trouble> {
        for table in self.seen.tables.keys().copied().collect::<Vec<_>>() {
            let (rules, _) = self.rules(table, None, usize::MAX)?;
            let mut found: Vec<Reference> = Vec::new();
            for rule in &rules {
                for to in
                    targets(&rule.exprs).filter(|to| scope.chains.contains(&(table, to.clone())))
                {
                    let seen = rule_seen(self.family, rule);
                    let text = seen.outline().text;
                    let from = ChainName::from(rule.chain.as_str());
                    found.push(Reference { from, handle: seen.handle, to, text });
                }
            }
            let count = |c: &ChainName| {
                rules.iter().filter(|r| r.chain == c.as_str()).count()
                    + found.iter().filter(|r| r.to == *c).count()
            };
            let hidden: Vec<_> = self
                .uses
                .iter()
                .filter(|(t, name, uses)| *t == table && *uses as usize > count(name))
                .map(|(_, name, _)| Reference {
                    from: ChainName::from("a verdict map"),
                    handle: Handle(0),
                    to: name.clone(),
                    text: "(map element)".into(),
                })
                .filter(|r| scope.chains.contains(&(table, r.to.clone())))
                .collect();
            found.extend(hidden);
            if let Some(seen) = self.seen.tables.get_mut(&table) {
                seen.references = found;
            }
        }
        Ok(())
    }
}

/// Where a rule jumps or goes to.
pub(super) fn targets(exprs: &[Expr]) -> impl Iterator<Item = ChainName> {
    exprs.iter().filter_map(|e| {
        let Expr::Immediate(Verdict::Jump(to) | Verdict::Goto(to)) = e else { return None };
        Some(ChainName::from(to.as_str()))
    })
}

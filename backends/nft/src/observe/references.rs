//! Who jumps to our chains: for `remove` only.
use super::dump::{chain_rules, chains};
use super::seen::rule_seen;
use super::{Look, Trouble};
use crate::expr::{Expr, Verdict};
use crate::read::RuleMsg;
use chainkeeper_contract::{
    Action, ChainName, End, Handle, Outline, Reference, Rule, RuleSeen, Scope, Seen, Table,
};
use std::collections::BTreeMap;

impl Look<'_> {
    /// Every rule that jumps to a chain of the scope. The kernel counts what refers to a chain
    /// (NFTA_CHAIN_USE): where the chains that were read explain that, no other has to be. What a whole
    /// table does not explain jumps from a verdict map.
    pub(super) fn references(&mut self, scope: &Scope) -> Result<(), Trouble> {
        for table in self.seen.tables.keys().copied().collect::<Vec<_>>() {
            let mut found = self.in_what_was_read(table, scope);
            if !self.unexplained(table, &found, scope).is_empty() {
                found = self.in_all(table, scope)?;
                let hidden = self.unexplained(table, &found, scope).into_iter();
                found.extend(hidden.map(|to| Reference {
                    from: ChainName::from("a verdict map"),
                    handle: Handle(0),
                    to,
                    text: "(map element)".into(),
                }));
            }
            if let Some(seen) = self.seen.tables.get_mut(&table) {
                seen.references = found;
            }
        }
        Ok(())
    }

    fn in_what_was_read(&self, table: Table, scope: &Scope) -> Vec<Reference> {
        let mut found = Vec::new();
        let chains = self.seen.tables.get(&table).into_iter().flat_map(|table| &table.chains);
        for (from, rule) in chains.flat_map(|(name, c)| c.rules.iter().map(move |r| (name, r))) {
            let Some(to) = leads_to(rule) else { continue };
            if scope.chains.contains(&(table, to.clone())) {
                let (from, to, text) = (from.clone(), to.clone(), rule.outline().text);
                found.push(Reference { from, handle: rule.handle, to, text });
            }
        }
        found
    }

    /// By going through everything, chain by chain: somebody who has a chain for each of his many rules
    /// needs our mark chains in most of them.
    fn in_all(&mut self, table: Table, scope: &Scope) -> Result<Vec<Reference>, Trouble> {
        let (mut found, family) = (Vec::new(), self.family);
        let mut each = |rule: RuleMsg| {
            let ours = |to: &ChainName| scope.chains.contains(&(table, to.clone()));
            for to in targets(&rule.exprs).filter(ours) {
                let seen = rule_seen(family, &rule);
                let text = seen.outline().text;
                let from = ChainName::from(rule.chain.as_str());
                found.push(Reference { from, handle: seen.handle, to, text });
            }
        };
        for chain in chains(self.socket, family, table.name())? {
            chain_rules(self.socket, (family, table.name(), &chain), &mut each)?;
        }
        Ok(found)
    }

    /// Chains of the scope to which more leads than their own rules and these.
    fn unexplained(&self, table: Table, found: &[Reference], scope: &Scope) -> Vec<ChainName> {
        let mut known: BTreeMap<&ChainName, usize> = BTreeMap::new();
        for reference in found {
            *known.entry(&reference.to).or_default() += 1;
        }
        let more = |(of, name, uses): &&(Table, ChainName, u32)| {
            let rules = self.seen.chain(table, name).map_or(0, |chain| chain.rules.len());
            let explained = rules + known.get(name).copied().unwrap_or_default();
            *of == table
                && *uses as usize > explained
                && scope.chains.contains(&(table, name.clone()))
        };
        self.uses.iter().filter(more).map(|(_, name, _)| name.clone()).collect()
    }
}

fn leads_to(rule: &RuleSeen) -> Option<&ChainName> {
    match &rule.seen {
        Seen::Known(Rule { action: Action::Jump(to), .. })
        | Seen::Foreign(Outline { end: End::Jump(to) | End::Goto(to), .. }) => Some(to),
        Seen::Known(_) | Seen::Foreign(_) => None,
    }
}

/// Where a rule jumps or goes to.
pub(super) fn targets(exprs: &[Expr]) -> impl Iterator<Item = ChainName> {
    exprs.iter().filter_map(|e| {
        let Expr::Immediate(Verdict::Jump(to) | Verdict::Goto(to)) = e else { return None };
        Some(ChainName::from(to.as_str()))
    })
}

//! What a save says: its tables as they stand, and of those what a look asks for.
use chainkeeper_contract::text::{self, Line, ParseError};
use chainkeeper_contract::{
    Action, BaseChain, ChainName, ChainSeen, Counters, Created, End, Family, Handle, Observed,
    Outline, Reference, Rule, RuleSeen, Scope, Seen, Survey, Table, TableSeen, WALK_LIMIT, needed,
};
use std::collections::BTreeMap;

/// A chain as printed. Equal to another when it says the same: packets write nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    /// Of a built-in chain.
    pub(crate) policy: Option<String>,
    /// The specifications, without `-A CHAIN`.
    pub(crate) rules: Vec<String>,
    /// What each of them has counted.
    counters: Vec<Option<Counters>>,
}

impl PartialEq for Chain {
    fn eq(&self, other: &Chain) -> bool {
        let Chain { policy, rules, counters: _ } = self;
        *policy == other.policy && *rules == other.rules
    }
}

impl Eq for Chain {}

/// The chains of one table.
pub(crate) type Chains = BTreeMap<ChainName, Chain>;

/// All tables of a family. Equal when nobody has written in between: counters are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tables(pub(crate) BTreeMap<String, Chains>);

impl Tables {
    pub(crate) fn read(save: &str) -> Result<Tables, ParseError> {
        let mut tables = Tables::default();
        for table in text::parse_save(save)? {
            let chains = tables.0.entry(table.table).or_default();
            for (name, policy) in table.chains {
                chains.insert(name, Chain { policy, ..Chain::default() });
            }
            for rule in table.rules {
                let chain = chains.entry(rule.chain).or_default();
                chain.rules.push(rule.spec);
                chain.counters.push(rule.counters);
            }
        }
        Ok(tables)
    }

    pub(crate) fn table(&self, table: Table) -> Option<&Chains> {
        self.0.get(table.name())
    }

    /// What a look asks for. Only those rules are read by their meaning.
    pub(crate) fn observed(&self, family: Family, scope: &Scope, created: &Created) -> Observed {
        let mut seen = Observed::default();
        for table in Table::ALL {
            let Some(chains) = self.table(table) else { continue };
            let look = Look { family, table, chains, created };
            seen.tables.insert(table, look.asked(scope));
            for ((_, hook), targets) in scope.hooks.iter().filter(|((t, _), _)| *t == table) {
                look.follow_jumps(&hook.chain(), targets, &mut seen);
            }
        }
        seen
    }

    /// Everything, counted.
    pub(crate) fn survey(&self, family: Family, created: &Created, into: &mut Survey) {
        for (name, chains) in &self.0 {
            into.tables.push(format!("{family} {name}"));
            let ours = |chain: &str| {
                Table::from_name(name)
                    .is_some_and(|t| created.contains(&(family, t, ChainName::from(chain))))
            };
            for (chain, found) in chains.iter().filter(|(c, _)| !ours(c.as_str())) {
                let theirs = |r: &&String| !text::jumps_to(r).is_some_and(ours);
                *into.rules.entry(family).or_default() += found.rules.iter().filter(theirs).count();
                if found.policy.as_deref().is_some_and(|p| p != "ACCEPT") {
                    into.policies.push(format!("{family} {name} {chain}"));
                }
            }
        }
    }
}

struct Look<'a> {
    family: Family,
    table: Table,
    chains: &'a Chains,
    created: &'a Created,
}

impl Look<'_> {
    fn asked(&self, scope: &Scope) -> TableSeen {
        let of = |(table, name): &(Table, ChainName)| (*table == self.table).then(|| name.clone());
        let hooks = scope.hooks.keys().map(|(t, hook)| (*t, hook.chain()));
        let full: Vec<_> = scope.chains.iter().cloned().chain(hooks).collect();
        let mut chains = BTreeMap::new();
        for name in scope.presence.iter().filter_map(of) {
            chains.extend(self.chain(&name, false));
        }
        for name in full.iter().filter_map(of) {
            chains.extend(self.chain(&name, true));
        }
        let references = match scope.references {
            true => self.references(scope),
            false => vec![],
        };
        TableSeen { chains, references, ..TableSeen::default() }
    }

    fn chain(&self, name: &ChainName, rules: bool) -> Option<(ChainName, ChainSeen)> {
        let at = self.chains.keys().position(|n| n == name)?;
        let found = self.chains.get(name)?;
        let base = found
            .policy
            .as_ref()
            .map(|policy| BaseChain { standard: true, text: format!("built-in, policy {policy}") });
        let rules = if rules { &found.rules[..] } else { &[] };
        let rules = rules.iter().zip(&found.counters).enumerate();
        let seen = ChainSeen {
            handle: number(at),
            base,
            ours: self.created.contains(&(self.family, self.table, name.clone())),
            rules: rules.map(|(i, (spec, counters))| self.rule(i, spec, *counters)).collect(),
        };
        Some((name.clone(), seen))
    }

    fn rule(&self, at: usize, spec: &str, counters: Option<Counters>) -> RuleSeen {
        let seen = match text::parse_spec(self.family, spec) {
            // iptables-restore makes chains called MASQUERADE: then this is a jump, and none of ours.
            Line::Rule(rule) if !self.leads_elsewhere(&rule, spec) => Seen::Known(rule),
            Line::Rule(_) | Line::Foreign(_) => Seen::Foreign(self.outline(spec)),
        };
        RuleSeen { handle: number(at), seen, unreadable: false, counters }
    }

    fn leads_elsewhere(&self, rule: &Rule, spec: &str) -> bool {
        let jumps = matches!(self.outline(spec).end, End::Jump(_));
        jumps && !matches!(rule.action, Action::Jump(_))
    }

    fn outline(&self, spec: &str) -> Outline {
        text::outline(spec, &|name| self.chains.contains_key(name))
    }

    /// Every rule of the table that leads to a chain of the scope.
    fn references(&self, scope: &Scope) -> Vec<Reference> {
        let mut found = Vec::new();
        for (from, chain) in self.chains {
            for (at, spec) in chain.rules.iter().enumerate() {
                let to = text::jumps_to(spec).map(ChainName::from);
                let to = to.filter(|to| scope.chains.contains(&(self.table, to.clone())));
                found.extend(to.map(|to| Reference {
                    from: from.clone(),
                    handle: number(at),
                    to,
                    text: spec.clone(),
                }));
            }
        }
        found
    }

    /// Where something stands before our jump, reads what it leads to, up to [`WALK_LIMIT`] rules.
    fn follow_jumps(
        &self,
        hook: &ChainName,
        targets: &std::collections::BTreeSet<ChainName>,
        seen: &mut Observed,
    ) {
        let mut budget = WALK_LIMIT;
        while let Some(name) = needed(seen, self.table, hook, targets) {
            let rules = self.chains.get(&name).map_or(0, |c| c.rules.len());
            let Some(table) = seen.tables.get_mut(&self.table) else { return };
            match self.chain(&name, true) {
                Some(chain) if rules < budget => table.chains.extend([chain]),
                Some(_) => table.truncated = true,
                None => return,
            }
            if table.truncated {
                return;
            }
            budget -= rules;
        }
    }
}

/// From 1, as `iptables -L --line-numbers` counts.
fn number(at: usize) -> Handle {
    Handle(at as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets that pass between a look and its commit are no other writer.
    #[test]
    fn what_was_counted_makes_no_other_tables() {
        let read = |counted: &str, spec: &str| {
            let text = format!("*nat\n:X - [0:0]\n{counted}-A X {spec}\nCOMMIT\n");
            Tables::read(&text).expect("a save")
        };
        let then = read("[1:60] ", "-j DROP");
        assert_eq!(then, read("[2:120] ", "-j DROP"));
        assert_eq!(then, read("", "-j DROP"), "by a tool that was asked without -c");
        assert_ne!(then, read("[1:60] ", "-j RETURN"));
        let name = ChainName::from("X");
        let scope = Scope { chains: [(Table::Nat, name.clone())].into(), ..Scope::default() };
        let seen = then.observed(Family::Ipv4, &scope, &Created::default());
        let rule = &seen.chain(Table::Nat, &name).expect("the chain").rules[0];
        assert_eq!(rule.counters, Some(Counters { packets: 1, bytes: 60 }));
    }

    #[test]
    fn a_chain_called_like_a_target_makes_no_rule_of_ours() {
        let save = "*nat\n:POSTROUTING ACCEPT [0:0]\n:MASQUERADE - [0:0]\n:KUBE-POSTROUTING - [0:0]\n\
                    -A KUBE-POSTROUTING -j MASQUERADE\n-A KUBE-POSTROUTING -j MASQUERADE --random-fully\n\
                    COMMIT\n";
        let tables = Tables::read(save).expect("a save");
        let chain = (Table::Nat, ChainName::from("KUBE-POSTROUTING"));
        let scope = Scope { chains: [chain.clone()].into(), ..Scope::default() };
        let seen = tables.observed(Family::Ipv4, &scope, &Created::default());
        let rules = &seen.chain(chain.0, &chain.1).expect("the chain").rules;
        assert!(matches!(rules[0].seen, Seen::Foreign(_)), "{rules:?}");
        assert!(matches!(rules[1].seen, Seen::Known(_)), "{rules:?}");
    }
}

//! Random rulesets, and what other programs may do to them.
use super::dice::Dice;
use crate::names::{ChainName, Family, Hook, Table};
use crate::rule::{Action, Cond, CtStates, Mark, Matches, Prefix, Rule};
use crate::ruleset::{Chain, Jump, Ruleset};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Something another program does to a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// All rules of the chain go.
    Flush(Table, ChainName),
    /// The n-th rule goes, from 0; nothing happens if there is none.
    DeleteRule(Table, ChainName, usize),
    /// A copy of the n-th rule is appended.
    Duplicate(Table, ChainName, usize),
    /// A rule of its own before the n-th: `-p tcp --dport 9 -j ACCEPT`.
    Foreign(Table, ChainName, usize),
    /// The chain goes, with the jumps to it taken out first by whoever plays this.
    DeleteChain(Table, ChainName),
}

impl Outside {
    /// The chain it happens to.
    pub fn place(&self) -> (Table, ChainName) {
        match self {
            Outside::Flush(t, c)
            | Outside::DeleteRule(t, c, _)
            | Outside::Duplicate(t, c, _)
            | Outside::Foreign(t, c, _)
            | Outside::DeleteChain(t, c) => (*t, c.clone()),
        }
    }
}

/// Some changes to chains and hooks of a ruleset.
pub fn drift(dice: &mut Dice, want: &Ruleset) -> Vec<Outside> {
    let mut places: Vec<(Table, ChainName)> =
        want.chains.iter().map(|c| (c.table, c.name.clone())).collect();
    places.extend(want.jumps.iter().map(|j| (j.table, j.hook.chain())));
    if places.is_empty() {
        return vec![];
    }
    (0..1 + dice.roll(5))
        .map(|_| {
            let (table, chain) = dice.pick(&places);
            let n = dice.roll(4);
            match dice.roll(4) {
                0 => Outside::Flush(table, chain),
                1 => Outside::DeleteRule(table, chain, n),
                2 => Outside::Duplicate(table, chain, n),
                _ => Outside::Foreign(table, chain, n),
            }
        })
        .collect()
}

/// A ruleset of up to four chains with up to four different rules each, some of them hooked.
pub fn ruleset(dice: &mut Dice, family: Family) -> Ruleset {
    let mut set = Ruleset::empty(family);
    for name in ["CK-A", "CK-B", "CK-C", "CK-D"].iter().take(1 + dice.roll(4)) {
        let table = dice.pick(&[Table::Nat, Table::Filter]);
        let mut rules: Vec<Rule> = Vec::new();
        for _ in 0..dice.roll(5) {
            let rule = rule(dice, family, table);
            // Two rules of one meaning in one chain are one rule to us.
            let bit = |r: &Rule| r.differs_only_in_bit(&rule);
            if !rules.iter().any(|r| r.means(&rule) || bit(r)) {
                rules.push(rule);
            }
        }
        set.chains.push(Chain {
            table,
            name: (*name).into(),
            rules,
            instead: vec![],
            retired: vec![],
        });
        if dice.one_in(2) {
            let hook = match table {
                Table::Nat => Hook::Postrouting,
                Table::Filter | Table::Mangle => dice.pick(&[Hook::Input, Hook::Output]),
            };
            let to = ChainName::from(*name);
            let rule = Rule::new(Action::Jump(to.clone()));
            set.jumps.push(Jump { table, hook, to, rule });
        }
    }
    set
}

/// Any rule that the contract can say, but for jumps.
pub(crate) fn rule(dice: &mut Dice, family: Family, table: Table) -> Rule {
    let action = match dice.roll(4) {
        0 => Action::Return,
        1 if table == Table::Filter => Action::Drop,
        2 if table == Table::Nat => Action::Masquerade { random_fully: dice.one_in(2) },
        _ => Action::Mark { value: 1 << dice.roll(32), mask: dice.pick(&[0, 0xff00, u32::MAX]) },
    };
    let matches = Matches {
        source: dice.one_in(3).then(|| cond(dice, |d| prefix(d, family))),
        destination: dice.one_in(3).then(|| cond(dice, |d| prefix(d, family))),
        mark: dice.one_in(3).then(|| {
            cond(dice, |d| {
                let mask = d.pick(&[0x4000, 0xffff, u32::MAX]);
                Mark { value: (1 << d.roll(16)) & mask, mask }
            })
        }),
        ctstate: dice.one_in(3).then(|| cond(dice, |d| CtStates(CtStates::NAMES[d.roll(7)].0))),
    };
    let comment =
        dice.one_in(2).then(|| dice.pick(&["one", "two words", "a \"quote\" and ünicode"]));
    Rule { matches, action, comment: comment.map(str::to_owned) }
}

fn cond<T>(dice: &mut Dice, value: impl FnOnce(&mut Dice) -> T) -> Cond<T> {
    let negated = dice.one_in(2);
    Cond { negated, value: value(dice) }
}

/// A prefix of at least one bit: iptables drops a match on /0.
fn prefix(dice: &mut Dice, family: Family) -> Prefix {
    let number = (dice.roll(1 << 30) as u32) << 2;
    let (addr, len) = match family {
        Family::Ipv4 => (Ipv4Addr::from(number).into(), 1 + dice.roll(32)),
        Family::Ipv6 => {
            let wide = u128::from(number) << 96 | u128::from(number);
            (Ipv6Addr::from(wide).into(), 1 + dice.roll(128))
        }
    };
    Prefix::new(addr, len as u8).unwrap_or(Prefix { addr, len: family.address_bits() })
}

//! Random chains in every table and hook, of rules that these packets meet now and then.
use super::pair::{ADDRESSES, MARKS};
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{
    Action, ChainName, Cond, CtStates, Family, Hook, Mark, Matches, Place, Prefix, Rule, Scope,
    Step, Table, Why,
};
use chainkeeper_nft::{Dialect, lower};
use std::net::IpAddr;

/// The steps that make the chains on an empty host, and the scope that covers them.
pub(super) fn chains(dice: &mut Dice, family: Family, dialect: Dialect) -> (Vec<Step>, Scope) {
    let (mut steps, mut scope) = (vec![], Scope::default());
    scope.families.insert(family);
    for table in Table::ALL {
        for hook in [Hook::Input, Hook::Output, Hook::Postrouting] {
            if (table, hook) == (Table::Filter, Hook::Postrouting) || dice.one_in(3) {
                continue;
            }
            // Each jumps to those after it only.
            let mut names = vec![hook.chain()];
            names.extend((0..dice.roll(4)).map(|n| ChainName::from(&*format!("CK-{hook}-{n}"))));
            let below = &names[1..];
            steps.extend([Step::EnsureTable { table }, Step::EnsureHook { table, hook }]);
            steps.extend(below.iter().map(|c| Step::CreateChain { table, chain: c.clone() }));
            for (n, chain) in names.iter().enumerate() {
                let rules = 1 + dice.roll(4);
                let rule = |_| {
                    expressible(rule(dice, family, (table, hook), &names[n + 1..]), family, dialect)
                };
                let insert: Vec<Rule> = (0..rules).map(rule).collect();
                insert.iter().for_each(|rule| println!("{table} {chain}: {rule}"));
                steps.push(write(table, chain, insert));
            }
            scope.hooks.entry((table, hook)).or_default();
            scope.chains.extend(below.iter().map(|c| (table, c.clone())));
        }
    }
    (steps, scope)
}

fn write(table: Table, chain: &ChainName, insert: Vec<Rule>) -> Step {
    let (chain, new) = (chain.clone(), vec![true; insert.len()]);
    Step::Rewrite {
        table,
        chain,
        remove: vec![],
        insert,
        new,
        place: Place::Last,
        why: Why::Absent,
    }
}

fn rule(dice: &mut Dice, family: Family, at: (Table, Hook), below: &[ChainName]) -> Rule {
    let action = match dice.roll(12) {
        0 => Action::Drop,
        1 | 2 => Action::Return,
        3..=5 if !below.is_empty() => Action::Jump(dice.pick(below)),
        6 | 7 if at == (Table::Nat, Hook::Postrouting) => {
            Action::Masquerade { random_fully: dice.one_in(2) }
        }
        _ => Action::Mark { value: dice.pick(&MARKS), mask: mask(dice) },
    };
    let mut matches = Matches {
        source: dice.one_in(4).then(|| cond(dice, |d| prefix(d, family))),
        destination: dice.one_in(4).then(|| cond(dice, |d| prefix(d, family))),
        mark: dice.one_in(3).then(|| cond(dice, mark)),
        ctstate: dice.one_in(3).then(|| cond(dice, states)),
    };
    // What ends every packet leaves nothing to see.
    if action == Action::Drop && matches.is_empty() {
        matches.ctstate = Some(cond(dice, states));
    }
    Rule::new(action).when(matches)
}

/// The native dialect asks for states and address translations one after the other, and has no "or".
fn expressible(mut rule: Rule, family: Family, dialect: Dialect) -> Rule {
    let inexpressible = lower(family, dialect, &rule).is_err();
    if let Some(cond) = rule.matches.ctstate.as_mut().filter(|_| inexpressible) {
        match cond.negated {
            true => cond.value.0 |= CtStates::INVALID | CtStates::UNTRACKED,
            // Nor a match that every packet meets.
            false => cond.value.0 &= !(CtStates::SNAT | CtStates::DNAT | CtStates::INVALID),
        }
    }
    rule
}

fn cond<T>(dice: &mut Dice, value: impl FnOnce(&mut Dice) -> T) -> Cond<T> {
    Cond { negated: dice.one_in(2), value: value(dice) }
}

fn mask(dice: &mut Dice) -> u32 {
    dice.pick(&[0, 1, 3, 0x4000, 0xc003, u32::MAX])
}

fn mark(dice: &mut Dice) -> Mark {
    let mask = mask(dice);
    // Now and then a value that no mark has under this mask.
    let beyond = if dice.one_in(8) { u32::MAX } else { mask };
    Mark { value: dice.pick(&MARKS) & beyond, mask }
}

fn states(dice: &mut Dice) -> CtStates {
    CtStates(dice.roll(0x200) as u16 & CtStates::KNOWN)
}

fn prefix(dice: &mut Dice, family: Family) -> Prefix {
    let (addresses, lengths) = match family {
        Family::Ipv4 => (ADDRESSES[0], [1, 8, 16, 23, 30, 31, 32]),
        Family::Ipv6 => (ADDRESSES[1], [1, 8, 16, 31, 47, 126, 128]),
    };
    let address: IpAddr = dice.pick(&addresses).parse().expect("an address");
    Prefix::new(address, dice.pick(&lengths)).expect("not wider than the address")
}

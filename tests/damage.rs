//! What is missing, chain by chain; and steps that are held back.
use chainkeeper::damage::{ChainKey, Damage, Loss, hold_back};
use chainkeeper_contract::{
    Action, ChainName, Family, Handle, Hook, Place, Rule, Step, Table, Why,
};

fn key(table: Table, chain: &str) -> ChainKey {
    ChainKey { family: Family::Ipv4, table, chain: chain.into() }
}

fn jump(table: Table, hook: Hook, to: &str, why: Why) -> Step {
    let rule = Rule::new(Action::Jump(to.into()));
    Step::Insert { table, hook, rule, place: Place::First, why }
}

fn create(table: Table, chain: &str) -> Step {
    Step::CreateChain { table, chain: chain.into() }
}

fn rewrite(table: Table, chain: &str, new: &[bool]) -> Step {
    let rule = Rule::new(Action::Drop);
    Step::Rewrite {
        table,
        chain: chain.into(),
        remove: vec![],
        insert: vec![rule; new.len()],
        new: new.to_vec(),
        place: Place::First,
        why: Why::Order,
    }
}

fn remove(table: Table, chain: &str, rule: Rule) -> Step {
    Step::Remove { table, chain: chain.into(), handle: Handle(1), rule }
}

/// The plan on a host without any table.
fn all() -> Vec<Step> {
    let (filter, nat) = (Table::Filter, Table::Nat);
    vec![
        Step::EnsureTable { table: nat },
        Step::EnsureTable { table: filter },
        Step::EnsureHook { table: filter, hook: Hook::Input },
        Step::EnsureHook { table: filter, hook: Hook::Output },
        Step::EnsureHook { table: nat, hook: Hook::Postrouting },
        create(nat, "MARKS"),
        create(nat, "POST"),
        create(filter, "FIRE"),
        create(filter, "DROPS"),
        rewrite(filter, "FIRE", &[true, true]),
        jump(filter, Hook::Input, "FIRE", Why::Absent),
        jump(filter, Hook::Output, "FIRE", Why::Absent),
        jump(filter, Hook::Input, "DROPS", Why::Absent),
        jump(nat, Hook::Postrouting, "POST", Why::Absent),
    ]
}

/// What is left of [`all`], and how many are taken out, when these are held.
fn held(chains: &[&str]) -> (Vec<String>, usize) {
    let mut steps = all();
    let out = hold_back(&mut steps, |_, chain: &ChainName| chains.contains(&chain.as_str()));
    let gone: Vec<String> =
        all().iter().filter(|s| !steps.contains(s)).map(|s| s.to_string()).collect();
    (gone, out.len())
}

#[test]
fn what_is_not_held_stays_as_it_was() {
    assert_eq!(held(&[]), (vec![], 0));
    assert_eq!(held(&["OTHER"]), (vec![], 0));
}

#[test]
fn a_chain_is_held_with_its_rules_and_the_jumps_to_it() {
    let (gone, out) = held(&["FIRE"]);
    // The hook of the output chain is for nobody else.
    assert_eq!((gone.len(), out), (5, 4), "{gone:?}");
    let (gone, out) = held(&["MARKS"]);
    assert_eq!((gone.len(), out), (1, 1), "{gone:?}");
}

#[test]
fn a_table_of_which_all_is_held_is_not_made() {
    let (gone, out) = held(&["MARKS", "POST"]);
    assert_eq!((gone.len(), out), (5, 3), "{gone:?}");
    let (gone, out) = held(&["MARKS", "POST", "FIRE", "DROPS"]);
    assert_eq!((gone.len(), out), (all().len(), 9), "{gone:?}");
}

#[test]
fn a_chain_of_the_same_name_in_another_table_is_another() {
    let mut steps = vec![create(Table::Nat, "A"), create(Table::Filter, "A")];
    let out = hold_back(&mut steps, |table, _| table == Table::Nat);
    assert_eq!(out, [create(Table::Nat, "A")]);
    assert_eq!(steps, [create(Table::Filter, "A")]);
}

#[test]
fn each_step_is_a_loss_of_the_chain_that_it_is_about() {
    let mut damage = Damage::default();
    damage.add(Family::Ipv4, &all());
    let fire = &damage.0[&key(Table::Filter, "FIRE")];
    assert_eq!(*fire, Loss { absent: true, rules: 2, jumps: 2, changed: false });
    assert_eq!(fire.to_string(), "chain, 2 rules, 2 jumps");
    assert_eq!(damage.0.len(), 4);
    let mut changed = Damage::default();
    let steps = [
        rewrite(Table::Filter, "ORDER", &[false, false]),
        rewrite(Table::Filter, "ONE", &[false, true]),
        jump(Table::Filter, Hook::Input, "MOVED", Why::Order),
        remove(Table::Filter, "INPUT", Rule::new(Action::Jump("TWICE".into()))),
        remove(Table::Filter, "SURPLUS", Rule::new(Action::Mark { value: 1, mask: 1 })),
    ];
    changed.add(Family::Ipv4, &steps);
    let words = |chain: &str| changed.0[&key(Table::Filter, chain)].to_string();
    assert_eq!(words("ONE"), "1 rule");
    for chain in ["ORDER", "MOVED", "TWICE", "SURPLUS"] {
        assert_eq!(words(chain), "changed");
    }
}

fn lost(chain: &str, loss: Loss) -> Damage {
    Damage([(key(Table::Nat, chain), loss)].into())
}

#[test]
fn damage_exceeds_what_was_only_if_something_more_is_missing() {
    let none = Damage::default();
    let small = Loss { rules: 1, ..Loss::default() };
    let more = [
        Loss { rules: 2, ..small.clone() },
        Loss { jumps: 1, ..small.clone() },
        Loss { absent: true, ..small.clone() },
        Loss { changed: true, ..small.clone() },
    ];
    let before = lost("A", small.clone());
    assert!(!none.exceeds(&none) && !none.exceeds(&before) && before.exceeds(&none));
    assert!(!before.exceeds(&before));
    for more in more {
        let after = lost("A", more);
        assert!(after.exceeds(&before) && !before.exceeds(&after), "{after:?}");
    }
    assert!(lost("B", small).exceeds(&before));
    // Less here and more there is more.
    let other = Loss { jumps: 1, ..Loss::default() };
    assert!(lost("A", other).exceeds(&before));
}

#[test]
fn joined_damage_is_the_worst_of_both() {
    let mut all = lost("A", Loss { rules: 3, changed: true, ..Loss::default() });
    all.join(&lost("A", Loss { rules: 1, jumps: 2, absent: true, ..Loss::default() }));
    all.join(&lost("B", Loss::default()));
    let worst = Loss { absent: true, rules: 3, jumps: 2, changed: true };
    assert_eq!((&all.0[&key(Table::Nat, "A")], all.0.len()), (&worst, 2));
}

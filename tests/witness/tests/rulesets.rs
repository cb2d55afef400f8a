//! Whole rulesets, through the backend: every table, chain and rule in the namespace is looked at.
use crate::seen::{self, Everything};
use crate::{apply, in_netns, meant, setups};
use chainkeeper_contract::testing::{self, Dice, full};
use chainkeeper_contract::{
    Action, Chain, ChainName, CtStates, Family, Hook, Jump, Rule, Ruleset, Table,
};
use chainkeeper_nft::{Dialect, Setup};

/// Writes both families' rulesets and has rustables say what is there.
fn reread(setup: Setup, wants: &[Ruleset], case: &str) {
    in_netns(|| {
        apply(setup, wants);
        let [seen, meant] =
            [seen::everything(), meant::everything(wants, setup.dialect)].map(unordered_jumps);
        assert_eq!(seen.tables, meant.tables, "{setup:?} {case}");
        assert_eq!(seen.chains, meant.chains, "{setup:?} {case}");
        assert_eq!(
            seen.rules.keys().collect::<Vec<_>>(),
            meant.rules.keys().collect::<Vec<_>>(),
            "{setup:?} {case}"
        );
        for (place, lines) in &meant.rules {
            assert_eq!(&seen.rules[place], lines, "{setup:?} {case} {place:?}");
        }
    });
}

/// Nobody asks for an order of jumps in one built-in chain.
fn unordered_jumps(mut all: Everything) -> Everything {
    for ((_, _, chain), lines) in &mut all.rules {
        if !chain.starts_with("CK-") && !chain.starts_with("KUBE-") {
            *lines = seen::sorted(std::mem::take(lines));
        }
    }
    all
}

#[test]
fn the_sample_ruleset_is_reread_as_meant_but_not_native_masquerade_flags() {
    let wants = Family::ALL.map(full);
    for setup in setups() {
        reread(setup, &wants, "sample");
    }
}

#[test]
fn random_rulesets_are_reread_as_meant_but_not_native_masquerade_flags_nor_ct_status() {
    for seed in 0..40 {
        let mut dice = Dice::seeded(seed, 2000);
        let wants = Family::ALL.map(|family| testing::ruleset(&mut dice, family));
        for setup in setups() {
            let mut wants = wants.clone();
            if setup.dialect == Dialect::Native {
                wants.iter_mut().for_each(without_translations);
            }
            reread(setup, &wants, &format!("seed {seed}"));
        }
    }
}

/// `ct status` is a key that rustables fails on.
fn without_translations(want: &mut Ruleset) {
    let translations = CtStates::SNAT | CtStates::DNAT;
    let seen = |rule: &Rule| rule.matches.ctstate.is_none_or(|c| c.value.0 & translations == 0);
    want.chains.iter_mut().for_each(|chain| chain.rules.retain(seen));
}

#[test]
fn every_built_in_chain_is_reread_as_meant_but_not_its_policy() {
    let wants = Family::ALL.map(|family| {
        let mut want = Ruleset::empty(family);
        for table in Table::ALL {
            let to = ChainName::from("CK-A");
            let chain =
                Chain { table, name: to.clone(), rules: vec![], instead: vec![], retired: vec![] };
            want.chains.push(chain);
            want.jumps.extend([Hook::Input, Hook::Output, Hook::Postrouting].map(|hook| {
                let rule = Rule::new(Action::Jump(to.clone()));
                Jump { table, hook, to: to.clone(), rule }
            }));
        }
        want
    });
    for setup in setups() {
        reread(setup, &wants, "every hook");
    }
}

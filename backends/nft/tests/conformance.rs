//! The same suite, the same scripts, on a real kernel: each case in a network namespace of its own,
//! with iptables-nft as "somebody else".
use chainkeeper_contract::testing::{
    Case, Dice, Fake, Outside, World, converge, play, random_drift,
};
use chainkeeper_contract::{
    Action, Backend, Chain, Errno, Family, Hook, Jump, Options, Readable, Rule, Ruleset, Table,
};
use chainkeeper_namespace::{Iptables, in_netns, output};
use chainkeeper_nft::{Dialect, NftBackend, Setup};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The calling thread's own new namespace; gone with the thread.
struct Kernel(NftBackend);

/// The same in the native dialect, which iptables-nft cannot read: "somebody else" is nft there.
struct NativeKernel(NftBackend);

/// A test in a namespace of its own.
fn on(dialect: Dialect, test: impl FnOnce(NftBackend) + Send) {
    in_netns(|| test(NftBackend::open(Setup { dialect, ..Setup::default() }).expect("netlink")));
}

impl World for Kernel {
    fn backend(&mut self) -> &mut dyn Backend {
        &mut self.0
    }

    fn outside(&mut self, family: Family, change: &Outside) {
        Iptables { kind: "nft", lock: "/dev/null".into() }.outside(family, change);
    }
}

impl World for NativeKernel {
    fn backend(&mut self) -> &mut dyn Backend {
        &mut self.0
    }

    fn outside(&mut self, family: Family, change: &Outside) {
        let (table, chain) = change.place();
        let at = format!("{family} {table} {chain}");
        let rules: Vec<(String, String)> = nft(&format!("-a list chain {at}"))
            .lines()
            .filter(|l| l.contains(" # handle ") && !l.trim().starts_with("chain"))
            .map(|l| l.trim().split_once(" # handle ").expect("a rule"))
            .map(|(rule, handle)| (rule.to_owned(), handle.to_owned()))
            .collect();
        let foreign = "tcp dport 9 counter accept";
        match change {
            Outside::Flush(..) => drop(nft(&format!("flush chain {at}"))),
            Outside::DeleteRule(_, _, n) if *n < rules.len() => {
                nft(&format!("delete rule {at} handle {}", rules[*n].1));
            }
            Outside::Duplicate(_, _, n) if *n < rules.len() => {
                nft(&format!("add rule {at} {}", rules[*n].0));
            }
            Outside::Foreign(_, _, n) => drop(match rules.get(*n) {
                Some((_, handle)) => nft(&format!("insert rule {at} position {handle} {foreign}")),
                None => nft(&format!("add rule {at} {foreign}")),
            }),
            Outside::DeleteChain(..) => drop(nft(&format!("delete chain {at}"))),
            Outside::DeleteRule(..) | Outside::Duplicate(..) => {}
        }
    }

    fn options(&self) -> Options {
        Options { readable: Readable::No, ..Options::default() }
    }
}

fn nft(words: &str) -> String {
    output(&format!("nft {words}"))
}

fn run(case: Case) {
    on(Dialect::Xt, |nft| case(&mut Kernel(nft)));
}

chainkeeper_contract::conformance!(run);

mod in_the_native_dialect {
    use super::*;

    fn run(case: Case) {
        on(Dialect::Native, |nft| case(&mut NativeKernel(nft)));
    }

    chainkeeper_contract::conformance!(run);
}

/// All of them are asked for by name, and more than a few hundred answers do not fit into a socket.
#[test]
fn a_thousand_chains_converge_in_one_step() {
    let mut want = Ruleset::empty(Family::Ipv4);
    for nth in 0..1000 {
        let (table, hook) = (Table::Filter, Hook::Output);
        let name = format!("CK-{nth}");
        let (to, rules) = (name.as_str().into(), vec![Rule::new(Action::Return).comment(&name)]);
        let rule = Rule::new(Action::Jump(name.as_str().into()));
        want.jumps.push(Jump { table, hook, to, rule });
        let name = name.as_str().into();
        want.chains.push(Chain { table, name, rules, instead: vec![], retired: vec![] });
    }
    on(Dialect::Xt, |nft| drop(converge(&mut Kernel(nft), &[want])));
}

/// One script, two executors: results, errnos and what is there afterwards must match.
#[test]
fn fake_and_kernel_answer_alike() {
    let mut provoked = BTreeMap::new();
    for seed in 0..60 {
        let script = Dice::seeded(seed, 2000);
        let fake = play(&mut Fake::default(), &mut script.clone(), 25).expect("fake");
        on(Dialect::Xt, |mut nft| {
            let real = play(&mut nft, &mut script.clone(), 25).expect("kernel");
            for (i, (fake, real)) in fake.iter().zip(&real).enumerate() {
                assert_eq!(fake, real, "seed {seed}, plan {i}");
            }
        });
        for errno in fake.iter().flat_map(|record| record.refused.values().flatten()) {
            *provoked.entry(errno.0).or_insert(0) += 1;
        }
    }
    let errnos = [Errno::BUSY, Errno::EXIST, Errno::INVAL, Errno::MLINK, Errno::NOENT];
    let often = |errno: &Errno| provoked.get(&errno.0).is_some_and(|times| *times > 5);
    assert!(errnos.iter().all(often), "the scripts provoke too little: {provoked:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_rulesets_with_random_drift_converge_in_one_step(numbers in prop::collection::vec(any::<u32>(), 0..200)) {
        on(Dialect::Xt, |nft| random_drift(&mut Kernel(nft), &mut Dice::new(numbers)));
    }
}

//! The same suite, the same scripts, on a real kernel: each case in a network namespace of its own,
//! with iptables-nft as "somebody else".
use chainkeeper_contract::testing::{
    Case, Dice, Fake, Outside, World, converge, play, random_drift,
};
use chainkeeper_contract::{
    Action, Backend, Chain, Errno, Family, Hook, Jump, Options, Readable, Rule, Ruleset, Table,
};
use chainkeeper_nft::{Dialect, NftBackend, Setup};
use nix::sched::{CloneFlags, unshare};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::process::{Command, Output};

/// The calling thread's own new namespace; gone with the thread.
struct Kernel(NftBackend);

/// The same in the native dialect, which iptables-nft cannot read: "somebody else" is nft there.
struct NativeKernel(NftBackend);

/// Runs a test in a new thread with a new network namespace.
fn in_netns(dialect: Dialect, test: impl FnOnce(NftBackend) + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|e| {
                panic!("this test needs root, or the user namespace that `make test` makes: {e}")
            });
            test(NftBackend::open(Setup { dialect, ..Setup::default() }).expect("netlink"));
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Runs the iptables-nft of that family, in this thread's namespace.
fn iptables(family: Family, words: &str) -> Output {
    let tool = match family {
        Family::Ipv4 => "iptables-nft",
        Family::Ipv6 => "ip6tables-nft",
    };
    Command::new(tool).args(words.split_whitespace()).output().expect("iptables-nft is installed")
}

fn must(family: Family, words: &str) {
    let out = iptables(family, words);
    assert!(out.status.success(), "{family} {words}: {}", String::from_utf8_lossy(&out.stderr));
}

impl World for Kernel {
    fn backend(&mut self) -> &mut dyn Backend {
        &mut self.0
    }

    fn outside(&mut self, family: Family, change: &Outside) {
        let (table, chain) = change.place();
        let rules = rules(family, table, chain.as_str());
        match change {
            Outside::Flush(..) => must(family, &format!("-t {table} -F {chain}")),
            Outside::DeleteRule(_, _, n) if *n < rules.len() => {
                must(family, &format!("-t {table} -D {chain} {}", n + 1));
            }
            Outside::Duplicate(_, _, n) if *n < rules.len() => {
                let line = rules[*n].clone();
                let script = format!("*{table}\n{line}\nCOMMIT\n");
                restore(family, &script);
            }
            Outside::Foreign(_, _, n) => {
                let at = (*n).min(rules.len()) + 1;
                must(family, &format!("-t {table} -I {chain} {at} -p tcp --dport 9 -j ACCEPT"));
            }
            Outside::DeleteChain(..) => must(family, &format!("-t {table} -X {chain}")),
            Outside::DeleteRule(..) | Outside::Duplicate(..) => {}
        }
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

/// What nft prints, in this thread's namespace. It joins its arguments and splits them itself.
fn nft(words: &str) -> String {
    let out = Command::new("nft").args(words.split(' ')).output().expect("nft is installed");
    assert!(out.status.success(), "{words}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// The `-A` lines of a chain.
fn rules(family: Family, table: Table, chain: &str) -> Vec<String> {
    let out = iptables(family, &format!("-t {table} -S {chain}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect()
}

fn restore(family: Family, script: &str) {
    let tool = match family {
        Family::Ipv4 => "iptables-nft-restore",
        Family::Ipv6 => "ip6tables-nft-restore",
    };
    let sh = format!("{tool} --noflush <<'END'\n{script}END\n");
    let out = Command::new("sh").args(["-c", &sh]).output().expect("sh");
    assert!(out.status.success(), "{script}{}", String::from_utf8_lossy(&out.stderr));
}

fn run(case: Case) {
    in_netns(Dialect::Xt, |nft| case(&mut Kernel(nft)));
}

chainkeeper_contract::conformance!(run);

mod in_the_native_dialect {
    use super::*;

    fn run(case: Case) {
        in_netns(Dialect::Native, |nft| case(&mut NativeKernel(nft)));
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
    in_netns(Dialect::Xt, |nft| drop(converge(&mut Kernel(nft), &[want])));
}

/// One script, two executors: results, errnos and what is there afterwards must match.
#[test]
fn fake_and_kernel_answer_alike() {
    let mut provoked = BTreeMap::new();
    for seed in 0..60 {
        let script = Dice::seeded(seed, 2000);
        let fake = play(&mut Fake::default(), &mut script.clone(), 25).expect("fake");
        in_netns(Dialect::Xt, |mut nft| {
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
        in_netns(Dialect::Xt, |nft| random_drift(&mut Kernel(nft), &mut Dice::new(numbers)));
    }
}

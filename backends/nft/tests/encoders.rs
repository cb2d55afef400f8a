//! Two encoders that share only numbers and message flags write the same. Expressions are compared byte
//! by byte; of a message the rest by its meaning: the order of attributes is free, and NFTA_RULE_COMPAT
//! {0, 0} says nothing. The rules of the policy itself are compared by the tests of the whole program.
#![cfg(feature = "nftnl")]
use chainkeeper_contract::testing::{self, Dice, full};
use chainkeeper_contract::{Family, Handle, Hook, Place, Rule, Ruleset, Table};
use chainkeeper_nft::expr::{Expr, Verdict, Xt};
use chainkeeper_nft::read::Attrs;
use chainkeeper_nft::write::{Batch, Encoder, Writer};
use chainkeeper_nft::{Dialect, Lowered, Msg, lower};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const NEWTABLE: u16 = 10 << 8;
const NEWRULE: u16 = 10 << 8 | 6;
const TABLE_NAME: u16 = 1;
const EXPRESSIONS: u16 = 4;
const COMPAT: u16 = 5;

/// One message: header without length and sequence number, family, and what the attributes say.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    kind: u16,
    flags: u16,
    seq: u32,
    nfgenmsg: [u8; 4],
    attributes: BTreeMap<u16, Vec<u8>>,
}

fn meanings(datagram: &[u8]) -> Vec<Meaning> {
    let mut rest = datagram;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let u16_at = |at: usize| u16::from_ne_bytes([rest[at], rest[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let (len, kind) = (u32_at(0) as usize, u16_at(4));
        let attrs = Attrs::new(&rest[20..len]).map(|a| a.expect("well-formed"));
        let mut attributes: BTreeMap<u16, Vec<u8>> =
            attrs.map(|a| (a.kind, a.value.to_vec())).collect();
        match kind {
            // Flags of 0 would wake a dormant table: none is the only way to say nothing.
            NEWTABLE => assert_eq!(attributes.keys().collect::<Vec<_>>(), [&TABLE_NAME]),
            NEWRULE => {
                let zero = [8, 0, 1, 0, 0, 0, 0, 0, 8, 0, 2, 0, 0, 0, 0, 0];
                let compat = attributes.remove(&COMPAT);
                assert!(compat.is_none_or(|c| c == zero), "COMPAT says something");
            }
            _ => {}
        }
        let nfgenmsg = rest[16..20].try_into().expect("four bytes");
        out.push(Meaning { kind, flags: u16_at(6), seq: u32_at(8), nfgenmsg, attributes });
        rest = &rest[len.next_multiple_of(4).min(rest.len())..];
    }
    out
}

/// Fails unless both encoders write the same, and hands it out.
fn agreed(messages: &[(Family, Msg)], generation: Option<u32>, commit: bool) -> Vec<Meaning> {
    let batch = Batch::new(messages, generation, 3, commit).expect("writable");
    let [ours, theirs] = [Encoder::Pure, Encoder::Nftnl].map(|e| meanings(&e.batch(&batch)));
    assert_eq!(ours.len(), 1 + messages.len() + usize::from(commit));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "message {}", ours.seq - 3);
    }
    assert_eq!(ours.len(), theirs.len());
    ours
}

fn new_rule(lowered: Lowered) -> Msg {
    let Lowered { exprs, comment } = lowered;
    Msg::NewRule { table: Table::Nat, chain: "X".into(), exprs, comment, place: Place::Last }
}

/// What of these rules the dialect can say; how many those are.
fn agree_on(family: Family, dialect: Dialect, rules: impl IntoIterator<Item = Rule>) -> usize {
    let lowered = rules.into_iter().filter_map(|rule| lower(family, dialect, &rule).ok());
    let messages: Vec<_> = lowered.map(|l| (family, new_rule(l))).collect();
    for message in &agreed(&messages, None, false)[1..] {
        assert!(!message.attributes[&EXPRESSIONS].is_empty(), "nothing was compared");
    }
    messages.len()
}

fn rules(set: Ruleset) -> Vec<Rule> {
    let jumps = set.jumps.into_iter().map(|j| j.rule);
    set.chains.into_iter().flat_map(|c| c.rules).chain(jumps).collect()
}

#[test]
fn every_rule_of_ours_is_written_alike_in_both_dialects_and_families() {
    for family in Family::ALL {
        for dialect in [Dialect::Xt, Dialect::Native] {
            let rules = rules(full(family));
            assert_eq!(agree_on(family, dialect, rules.clone()), rules.len(), "{family}");
        }
    }
}

#[test]
fn every_other_message_means_the_same() {
    let (table, name) = (Table::Nat, String::from("KUBE-MARK-MASQ"));
    let bases = Table::ALL.map(|table| {
        [Hook::Input, Hook::Output, Hook::Postrouting].map(|hook| Msg::NewBase { table, hook })
    });
    let rule = |place| Msg::NewRule {
        table,
        chain: name.clone(),
        exprs: vec![Expr::Immediate(Verdict::Drop)],
        comment: Some("with a comment".into()),
        place,
    };
    let mut all: Vec<Msg> = Table::ALL.map(|table| Msg::NewTable { table }).into();
    all.extend(bases.into_iter().flatten());
    all.extend([
        Msg::NewChain { table, name: name.clone() },
        Msg::DelChain { table, handle: Handle(u64::MAX - 1) },
        Msg::DelRule { table, chain: name.clone(), handle: Handle(1 << 40) },
    ]);
    all.extend([Place::First, Place::Last, Place::Before(Handle(9))].map(rule));
    for family in Family::ALL {
        let messages: Vec<_> = all.iter().map(|m| (family, m.clone())).collect();
        for (generation, commit) in [(None, false), (Some(1), true), (Some(u32::MAX), true)] {
            agreed(&messages, generation, commit);
        }
    }
}

/// Distribution builds run with whatever libnftnl is there: the tests above with those of other Debian
/// suites, which `scripts/other-iptables` unpacks.
#[test]
fn every_libnftnl_writes_the_same() {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("other-iptables");
    for suite in ["bullseye", "trixie", "sid"] {
        let libraries = all.join(suite).join("nftnl");
        if !libraries.exists() {
            let why =
                format!("{} is not there; scripts/other-iptables makes it", libraries.display());
            assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{why}");
            eprintln!("LEFT OUT: the libnftnl of Debian {suite}. {why}");
            continue;
        }
        let mut again = Command::new(std::env::current_exe().expect("this test"));
        again.args(["--skip", "every_libnftnl"]).env("LD_LIBRARY_PATH", &libraries);
        let said = again.output().expect("it starts");
        let text = String::from_utf8_lossy(&said.stdout);
        // More than a screen of a failed property helps nobody.
        assert!(said.status.success(), "{suite}\n{}", &text[..text.len().min(3000)]);
        assert!(text.contains("the_library_is_the_one_that_was_asked_for ... ok"), "{text}");
    }
}

#[test]
fn the_library_is_the_one_that_was_asked_for() {
    if let Ok(libraries) = std::env::var("LD_LIBRARY_PATH")
        && libraries.contains("other-iptables")
    {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
        let loaded = maps.lines().filter(|l| l.contains("libnftnl"));
        for line in loaded {
            assert!(line.contains("other-iptables"), "{line}");
        }
        assert!(maps.contains("libnftnl"), "{maps}");
    }
}

/// Any expression with any numbers that an encoder takes, not only those that we lower to.
fn expr(dice: &mut Dice) -> Expr {
    let n = |dice: &mut Dice| dice.roll(usize::MAX) as u32;
    let bytes = |dice: &mut Dice, least, most: usize| -> Vec<u8> {
        (0..least + dice.roll(most + 1 - least)).map(|_| dice.roll(256) as u8).collect()
    };
    let xt = |dice: &mut Dice| Xt {
        name: dice.pick(&["m", "mark", "a-name-of-twenty-eight-bytes"]).into(),
        rev: n(dice) & 0xff,
        info: bytes(dice, 0, 300),
    };
    match dice.roll(11) {
        0 => Expr::Match(xt(dice)),
        1 => Expr::Target(xt(dice)),
        2 => Expr::Counter { packets: u64::from(n(dice)) << 31, bytes: u64::from(n(dice)) },
        3 => {
            let (dreg, base, offset, len) = (n(dice), n(dice), n(dice), n(dice));
            Expr::Payload { dreg, base, offset, len }
        }
        4 => {
            let mask = bytes(dice, 1, 64);
            let xor = mask.iter().map(|b| !b).collect();
            Expr::Bitwise { sreg: n(dice), dreg: n(dice), mask, xor }
        }
        5 => Expr::Cmp { sreg: n(dice), op: n(dice), data: bytes(dice, 1, 64) },
        6 => Expr::Meta { dreg: n(dice), key: n(dice) },
        7 => Expr::MetaSet { sreg: n(dice), key: n(dice) },
        8 => Expr::Ct { dreg: n(dice), key: n(dice) },
        9 => Expr::Masq { flags: n(dice) },
        _ => {
            let to = || String::from("SOME-CHAIN");
            let verdicts = [
                Verdict::Drop,
                Verdict::Accept,
                Verdict::Return,
                Verdict::Jump(to()),
                Verdict::Goto(to()),
                Verdict::Other(-2),
            ];
            Expr::Immediate(dice.pick(&verdicts))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_rules_are_written_alike(numbers in prop::collection::vec(any::<u32>(), 0..120)) {
        let mut dice = Dice::new(numbers);
        for family in Family::ALL {
            let rules = rules(testing::ruleset(&mut dice, family));
            prop_assert_eq!(agree_on(family, Dialect::Xt, rules.clone()), rules.len());
            agree_on(family, Dialect::Native, rules);
        }
    }

    #[test]
    fn random_expressions_are_written_alike(numbers in prop::collection::vec(any::<u32>(), 1..2000)) {
        let mut dice = Dice::new(numbers);
        let exprs: Vec<Expr> = (0..1 + dice.roll(8)).map(|_| expr(&mut dice)).collect();
        agreed(&[(Family::Ipv6, new_rule(Lowered { exprs, comment: None }))], None, false);
    }
}

//! Reading is total: any bytes give a value or an error. What we write, we read back as the same.
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{Family, Seen, testing};
use chainkeeper_nft::expr::{Expr, Xt};
use chainkeeper_nft::read::{self, Body, Messages};
use chainkeeper_nft::{Dialect, lower, raise};
use proptest::prelude::*;
use std::sync::OnceLock;

/// Reads bytes as everything they could be. What comes out does not matter here.
fn read_all(bytes: &[u8]) {
    for message in Messages::new(bytes).flatten() {
        let Body::Object { attrs, .. } = message.body else { continue };
        let _ = read::table(attrs);
        let _ = read::chain(attrs);
        let _ = read::generation(attrs);
        let _ = read::commit(attrs);
        if let Ok(rule) = read::rule(attrs) {
            for family in Family::ALL {
                let _ = raise(family, &rule.exprs, &rule.userdata);
            }
        }
    }
}

/// Every `raw` line of every golden file.
fn corpus() -> Vec<Vec<u8>> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let files = std::fs::read_dir(dir).expect("golden").map(|f| f.expect("file").path());
    let texts = files.map(|f| std::fs::read_to_string(f).expect("text"));
    let hex = |l: &str| -> Vec<u8> {
        let digit = |i: usize| u8::from_str_radix(&l[i..i + 2], 16).expect("hex");
        (0..l.len() / 2).map(|i| digit(i * 2)).collect()
    };
    texts
        .flat_map(|t| {
            t.lines().filter_map(|l| l.trim().strip_prefix("raw ").map(hex)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn no_truncation_of_a_real_message_panics() {
    let corpus = corpus();
    assert!(corpus.len() > 200, "{} messages", corpus.len());
    for raw in &corpus {
        for end in 0..raw.len() {
            read_all(&raw[..end]);
            // The same with a header that still promises what is left: the attributes are cut.
            let mut short = raw[..end].to_vec();
            if let Some(len) = short.get_mut(..4) {
                len.copy_from_slice(&(end as u32).to_ne_bytes());
                read_all(&short);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn real_messages_with_flipped_bytes_never_panic(
        pick in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        static CORPUS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        let mut raw = pick.get(CORPUS.get_or_init(corpus)).clone();
        for (at, byte) in flips {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        read_all(&raw);
    }

    #[test]
    fn what_is_lowered_is_raised_as_the_same(numbers in prop::collection::vec(any::<u32>(), 0..80)) {
        let mut dice = Dice::new(numbers);
        for family in Family::ALL {
            for rule in testing::ruleset(&mut dice, family).chains.into_iter().flat_map(|c| c.rules) {
                let lowered = lower(family, Dialect::Xt, &rule).expect("xt says all");
                prop_assert_eq!(raise(family, &lowered.exprs, &[]), Seen::Known(rule));
            }
        }
    }

    /// It may be a condition. What stands behind the action may be another one.
    #[test]
    fn an_expression_that_nobody_knows_makes_a_rule_foreign_wherever_it_stands(
        numbers in prop::collection::vec(any::<u32>(), 0..80),
        at in any::<prop::sample::Index>(),
    ) {
        let mut dice = Dice::new(numbers);
        let limit = Xt { name: "limit".into(), rev: 0, info: vec![0; 40] };
        for family in Family::ALL {
            for rule in testing::ruleset(&mut dice, family).chains.into_iter().flat_map(|c| c.rules) {
                for dialect in [Dialect::Xt, Dialect::Native] {
                    let Ok(lowered) = lower(family, dialect, &rule) else { continue };
                    for unknown in [Expr::Other("limit".into()), Expr::Match(limit.clone())] {
                        let mut exprs = lowered.exprs.clone();
                        exprs.insert(at.index(exprs.len() + 1), unknown);
                        prop_assert!(matches!(raise(family, &exprs, &[]), Seen::Foreign(_)), "{exprs:?}");
                    }
                }
            }
        }
    }
}

//! Rows 10 to 16, 18, 19 and 28: somebody or something names a backend. A test's name says its row in
//! words.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Basis, Fact};
use chainkeeper_contract::ErrorKind;
use std::collections::BTreeMap;

use Kind::{Legacy, Nft};

#[test]
fn row_10_a_hint_in_nft_and_no_legacy_table_is_nft() {
    let facts = with(|f| f.hint(Nft, V4));
    assert!(gives(&facts, "10", Nft, Basis::Evidence, true).is_empty());
    // A list without names is no table, either.
    let facts = with(|f| {
        f.hint(Nft, V6);
        f.legacy.names = Ok(BTreeMap::from([(V4, vec![]), (V6, vec![])]));
    });
    gives(&facts, "10", Nft, Basis::Evidence, true);
}

#[test]
fn row_11_a_hint_in_nft_and_legacy_tables_without_is_nft() {
    let facts = with(|f| {
        f.hint(Nft, V4);
        f.list(V4, "mangle");
        f.kube_proxy(Legacy, V4);
    });
    assert!(gives(&facts, "11", Nft, Basis::Evidence, true).is_empty());
    let rules = with(|f| {
        f.hint(Nft, V4);
        f.rules(Legacy, V4, 3);
    });
    let warnings = gives(&rules, "11", Nft, Basis::Evidence, true);
    assert!(warnings[0].contains("3 rules"), "{warnings:?}");
}

#[test]
fn row_12_both_hints_and_the_full_set_in_one_is_that_one() {
    for kind in Kind::ALL {
        let facts = with(|f| {
            Kind::ALL.into_iter().for_each(|kind| f.hint(kind, V4));
            f.full_set(kind, V4);
            f.remember(kind.other(), true);
        });
        assert_eq!(gives(&facts, "12", kind, Basis::Evidence, true).len(), 1);
    }
}

#[test]
fn row_13_both_hints_and_an_earlier_choice_is_the_earlier_choice() {
    for (kind, full) in [(Nft, false), (Legacy, false), (Nft, true), (Legacy, true)] {
        let facts = with(|f| {
            for side in Kind::ALL {
                f.hint(side, V4);
                if full {
                    f.full_set(side, V4);
                }
            }
            f.remember(kind, false);
        });
        // There are hints: ours misleads nobody, whatever the earlier choice rested on.
        assert_eq!(gives(&facts, "13", kind, Basis::Remembered, true).len(), 1);
    }
}

#[test]
fn row_14_both_hints_and_nothing_remembered_is_nft() {
    let mut facts = with(|f| {
        Kind::ALL.into_iter().for_each(|kind| f.hint(kind, V4));
    });
    assert_eq!(gives(&facts, "14", Nft, Basis::Evidence, true).len(), 1);
    facts.remember(Legacy, true);
    facts.no_tools();
    let warnings = gives(&facts, "14", Nft, Basis::Evidence, true);
    assert!(warnings[1].contains("not installed"), "{warnings:?}");
}

#[test]
fn row_15_a_hint_in_legacy_alone_is_legacy() {
    for family in [V4, V6] {
        let facts = with(|f| {
            f.hint(Legacy, family);
            f.kube_proxy(Nft, V4);
            f.remember(Nft, true);
        });
        assert!(gives(&facts, "15", Legacy, Basis::Evidence, true).is_empty());
    }
}

#[test]
fn row_16_a_hint_in_legacy_that_cannot_be_written_is_an_error() {
    let mut facts = with(|f| f.hint(Legacy, V4));
    facts.no_tools();
    assert!(fails(&facts, "16", ErrorKind::Unsupported).contains("not installed"));
    let mut facts = with(|f| f.hint(Legacy, V4));
    facts.legacy.allowed = Fact::No("CAP_NET_RAW is missing".into());
    assert!(fails(&facts, "16", ErrorKind::Denied).contains("CAP_NET_RAW"));
}

#[test]
fn row_18_a_kube_proxy_or_a_full_set_in_one_alone_is_that_one() {
    for kind in Kind::ALL {
        let proxy = with(|f| f.kube_proxy(kind, V6));
        let set = with(|f| f.full_set(kind, V4));
        for mut facts in [proxy, set] {
            facts.remember(kind.other(), true);
            gives(&facts, "18", kind, Basis::Evidence, true);
        }
    }
    let both = with(|f| {
        f.kube_proxy(Nft, V4);
        f.full_set(Legacy, V4);
        f.remember(Legacy, true);
    });
    gives(&both, "19", Legacy, Basis::Remembered, true);
}

#[test]
fn row_19_no_hint_and_an_earlier_choice_is_the_earlier_choice_with_its_hint() {
    for (kind, evidence) in [(Nft, true), (Nft, false), (Legacy, true), (Legacy, false)] {
        let facts = with(|f| f.remember(kind, evidence));
        assert!(gives(&facts, "19", kind, Basis::Remembered, evidence).is_empty());
    }
}

#[test]
fn row_28_families_that_differ_are_decided_by_ipv4_before_any_full_set() {
    for kind in Kind::ALL {
        let facts = with(|f| {
            f.hint(kind, V4);
            f.hint(kind.other(), V6);
            f.full_set(kind.other(), V6);
            f.remember(kind.other(), true);
        });
        assert_eq!(gives(&facts, "28", kind, Basis::Evidence, true).len(), 1);
    }
}

//! Chains of ours are no evidence of what others use: they only remember what was chosen.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Basis, Fact};
use chainkeeper::sight::Held;

use Kind::{Legacy, Nft};

#[test]
fn only_our_own_chains_are_memory_and_nothing_else() {
    for kind in Kind::ALL {
        let mut facts = with(|f| {
            f.ours(kind, V4);
            f.ours(kind, V6);
        });
        gives(&facts, "19", kind, Basis::Remembered, true);
        // Without our hint, that choice had rested on nothing.
        facts.side(kind, V4).our_hint = false;
        facts.side(kind, V6).our_hint = false;
        gives(&facts, "19", kind, Basis::Remembered, false);
    }
}

#[test]
fn what_is_written_down_outweighs_chains_of_ours() {
    let facts = with(|f| {
        f.ours(Nft, V4);
        f.remember(Legacy, true);
    });
    gives(&facts, "19", Legacy, Basis::Remembered, true);
}

#[test]
fn chains_of_ours_in_both_say_nothing() {
    let facts = answered(with(|f| {
        f.ours(Nft, V4);
        f.ours(Legacy, V4);
    }));
    gives(&facts, "25", Nft, Basis::Nothing, false);
}

#[test]
fn our_own_chains_never_outweigh_somebody_elses_hint() {
    for kind in Kind::ALL {
        let facts = with(|f| {
            f.ours(kind, V4);
            f.hint(kind.other(), V4);
        });
        let row = if kind == Nft { "15" } else { "10" };
        // Legacy lists a table where ours are.
        let row = if kind == Legacy { "11" } else { row };
        gives(&facts, row, kind.other(), Basis::Evidence, true);
    }
}

#[test]
fn our_own_chains_in_a_backend_that_cannot_be_used_are_passed_over() {
    let mut facts = answered(with(|f| f.ours(Legacy, V4)));
    facts.no_tools();
    let warnings = gives(&facts, "25", Nft, Basis::Nothing, false);
    assert!(warnings[0].contains("the earlier choice, legacy (chains of ours are in ip)"));
}

#[test]
fn what_nf_tables_held_before_it_stopped_answering_counts_for_nothing() {
    let mut facts = with(|f| f.hint(Nft, V4));
    facts.nft.answers = Fact::Unknown("EIO".into());
    assert_eq!(refused(&facts, None).row, "7");
    facts.no_nf_tables();
    gives(&facts, "26", Legacy, Basis::Evidence, true);
}

#[test]
fn a_family_that_is_missing_is_one_that_holds_nothing() {
    // No IPv6: neither list nor chains.
    for kind in Kind::ALL {
        let mut facts = with(|f| f.hint(kind, V4));
        let choice = chosen(&facts, None);
        facts.nft.held.entry(V6).or_insert_with(Held::default);
        facts.legacy.held.as_mut().expect("readable").entry(V6).or_default();
        facts.legacy.names.as_mut().expect("readable").entry(V6).or_default();
        assert_eq!(chosen(&facts, None), choice);
    }
}

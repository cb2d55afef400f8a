//! Conflicting hints in every combination: which backend of which family carries one.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Basis, Facts};

use Kind::{Legacy, Nft};

/// Hints: nft ip, nft ip6, legacy ip, legacy ip6; then the row and the choice, with nothing else known.
const EVERY: [([bool; 4], &str, Kind); 15] = [
    ([true, false, false, false], "10", Nft),
    ([false, true, false, false], "10", Nft),
    ([true, true, false, false], "10", Nft),
    ([false, false, true, false], "15", Legacy),
    ([false, false, false, true], "15", Legacy),
    ([false, false, true, true], "15", Legacy),
    // One family has both.
    ([true, false, true, false], "14", Nft),
    ([false, true, false, true], "14", Nft),
    ([true, true, true, true], "14", Nft),
    // IPv4 has one alone, IPv6 (also) the other.
    ([true, false, false, true], "28", Nft),
    ([false, true, true, false], "28", Legacy),
    ([true, true, false, true], "28", Nft),
    ([false, true, true, true], "28", Legacy),
    // IPv4 has both and does not decide.
    ([true, true, true, false], "14", Nft),
    ([true, false, true, true], "14", Nft),
];

fn hinted(hints: [bool; 4]) -> Facts {
    let places = [(Nft, V4), (Nft, V6), (Legacy, V4), (Legacy, V6)];
    with(|f| {
        for ((kind, family), _) in places.into_iter().zip(hints).filter(|(_, hint)| *hint) {
            f.hint(kind, family);
        }
    })
}

#[test]
fn every_combination_of_hints_has_an_answer() {
    for (hints, row, kind) in EVERY {
        let warnings = gives(&hinted(hints), row, kind, Basis::Evidence, true);
        let both = (hints[0] || hints[1]) && (hints[2] || hints[3]);
        assert_eq!(warnings.len(), usize::from(both), "{hints:?}: {warnings:?}");
        if both {
            assert!(warnings[0].contains("in nf_tables (") && warnings[0].contains("in legacy ("));
        }
    }
}

#[test]
fn where_ipv4_does_not_decide_the_full_set_does_and_then_the_memory() {
    for (hints, row, _) in EVERY {
        for kind in Kind::ALL {
            let mut facts = hinted(hints);
            facts.remember(kind, true);
            let choice = chosen(&facts, None);
            if row != "14" {
                assert_eq!(choice.row, row, "{hints:?}");
                continue;
            }
            assert_eq!((choice.row, choice.kind), ("13", kind), "{hints:?}");
            facts.full_set(kind.other(), V6);
            let choice = chosen(&facts, None);
            assert_eq!((choice.row, choice.kind), ("12", kind.other()), "{hints:?}");
        }
    }
}

#[test]
fn legacy_that_evidence_names_and_nobody_can_write_is_an_error_in_every_row() {
    let kube_proxy = with(|f| f.kube_proxy(Legacy, V4));
    let mut full_set = hinted([true, true, true, true]);
    full_set.full_set(Legacy, V4);
    let differ = hinted([false, true, true, false]);
    for mut facts in [kube_proxy, full_set, differ] {
        let kind = chosen(&facts, None).kind;
        assert_eq!(kind, Legacy);
        facts.no_tools();
        let no = refused(&facts, None);
        assert_eq!(no.row, "16", "{no:?}");
        assert!(no.why.contains("not installed"), "{no:?}");
    }
}

#[test]
fn an_old_kubelets_canary_is_a_hint() {
    for kind in Kind::ALL {
        let mut facts = with(|f| f.hint(kind, V4));
        facts.side(kind, V4).hints = vec!["KUBE-KUBELET-CANARY".into()];
        let choice = chosen(&facts, None);
        assert_eq!(choice.kind, kind);
        assert!(choice.why.starts_with("KUBE-KUBELET-CANARY is in "), "{}", choice.why);
        // Where both are, the hint is named; each with the families that have it.
        facts.hint(kind, V6);
        let why = chosen(&facts, None).why;
        assert!(why.starts_with("KUBE-IPTABLES-HINT is in "), "{why}");
        assert!(why.contains("(ip6 mangle)"), "{why}");
    }
}

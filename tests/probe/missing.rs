//! What is not there: tools, a backend, evidence that was there before.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Basis, Fact, Facts};
use chainkeeper_contract::Survey;

use Kind::{Legacy, Nft};

/// Surveys of every sort, for both backends.
fn surveys() -> Vec<Facts> {
    let rules = |kind| with(|f| f.rules(kind, V4, 9));
    let both = with(|f| Kind::ALL.into_iter().for_each(|kind| f.rules(kind, V6, 9)));
    let native = with(|f| f.nft.survey = Some(native("inet firewalld")));
    let listed = with(|f| f.list(V4, "filter"));
    let policies = with(|f| {
        f.list(V4, "filter");
        let policies = vec!["ip filter FORWARD".into()];
        f.legacy.survey = Some(Survey { policies, ..Survey::default() });
    });
    vec![host(), rules(Nft), rules(Legacy), both, native, listed, policies]
}

#[test]
fn missing_evidence_is_never_a_change() {
    for facts in surveys().into_iter().flat_map(|f| [f.clone(), answered(f)]) {
        for (kind, tool) in [(Nft, Nft), (Nft, Legacy), (Legacy, Nft), (Legacy, Legacy)] {
            let mut facts = facts.clone();
            facts.remember(kind, true);
            facts.host_tool(tool);
            let choice = chosen(&facts, None);
            assert_eq!((choice.kind, choice.basis), (kind, Basis::Remembered), "{choice:?}");
        }
    }
}

#[test]
fn a_table_that_was_only_listed_is_nobodys() {
    for table in ["filter", "nat", "mangle"] {
        let facts = answered(with(|f| f.list(V4, table)));
        gives(&facts, "25", Nft, Basis::Nothing, false);
    }
}

#[test]
fn no_tools_at_all_leaves_nft() {
    let mut facts = answered(host());
    facts.no_tools();
    assert!(gives(&facts, "25", Nft, Basis::Nothing, false).is_empty());
    facts.remember(Legacy, true);
    let warnings = gives(&facts, "25", Nft, Basis::Nothing, false);
    assert!(warnings[0].contains("not installed"), "{warnings:?}");
}

#[test]
fn a_kernel_without_legacy_leaves_nft() {
    let kernel = |f: &mut Facts| f.legacy.kernel = Fact::No("no ip_tables".into());
    gives(&answered(with(kernel)), "25", Nft, Basis::Nothing, false);
    let mut told = answered(with(kernel));
    told.host_tool(Legacy);
    let warnings = gives(&told, "25", Nft, Basis::Nothing, false);
    assert!(warnings[0].contains("no ip_tables"), "{warnings:?}");
    let mut remembered = answered(with(kernel));
    remembered.remember(Legacy, true);
    gives(&remembered, "25", Nft, Basis::Nothing, false);
}

#[test]
fn a_kernel_without_nf_tables_leaves_legacy() {
    let absent = |change: fn(&mut Facts)| {
        answered(with(|f| {
            f.no_nf_tables();
            change(f);
        }))
    };
    gives(&absent(|f| f.hint(Legacy, V4)), "15", Legacy, Basis::Evidence, true);
    gives(&absent(|f| f.kube_proxy(Legacy, V4)), "18", Legacy, Basis::Evidence, true);
    gives(&absent(|f| f.rules(Legacy, V4, 1)), "21", Legacy, Basis::Evidence, true);
    let warnings = gives(&absent(|f| f.remember(Nft, true)), "26", Legacy, Basis::Evidence, true);
    assert!(warnings[0].contains("the earlier choice, nft"), "{warnings:?}");
}

#[test]
fn an_earlier_choice_of_nft_is_no_way_past_an_nft_that_does_not_answer() {
    let mut facts = with(|f| f.remember(Nft, true));
    facts.nft.answers = Fact::Unknown("EIO".into());
    assert_eq!(refused(&facts, None).row, "7");
    facts.deny();
    assert_eq!(refused(&facts, None).row, "6");
    facts.no_names();
    assert_eq!(refused(&facts, None).row, "5");
}

#[test]
fn a_module_that_is_not_loaded_yet_is_a_warning_for_legacy_only() {
    for kind in Kind::ALL {
        let mut facts = with(|f| f.remember(kind, true));
        facts.legacy.kernel = Fact::Unknown("ip_tables is not loaded".into());
        let warnings = gives(&facts, "19", kind, Basis::Remembered, true);
        assert_eq!(warnings.len(), usize::from(kind == Legacy), "{warnings:?}");
    }
}

/// No hint can be in them, and still they may be a kube-proxy's.
#[test]
fn legacy_tables_without_mangle_that_cannot_be_read_are_an_error_unless_a_choice_is_remembered() {
    for change in [|_: &mut Facts| (), |f: &mut Facts| f.kube_proxy(Nft, V4)] {
        let mut facts = answered(with(|f| f.unreadable("nat")));
        change(&mut facts);
        let no = refused(&facts, None);
        assert_eq!(no.row, "17", "{no:?}");
        assert!(no.what.contains("nat"), "{no:?}");
        for kind in Kind::ALL {
            facts.remember(kind, false);
            let warnings = gives(&facts, "19", kind, Basis::Remembered, false);
            assert!(warnings[0].contains("EPERM"), "{warnings:?}");
        }
        facts.no_tools();
        let no = refused(&facts, None);
        assert!(no.why.contains("the earlier choice, legacy"), "{no:?}");
    }
}

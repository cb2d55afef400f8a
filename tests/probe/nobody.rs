//! Rows 20 to 27: nobody left a hint, and nothing is remembered. A test's name says its row in words.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Basis, Fact, Question};
use chainkeeper_contract::{ErrorKind, Survey};

use Kind::{Legacy, Nft};

#[test]
fn row_20_rules_of_others_in_nft_alone_is_nft() {
    let facts = with(|f| {
        f.rules(Nft, V6, 2);
        f.rules(Legacy, V4, 0);
        f.host_tool(Legacy);
    });
    assert!(gives(&facts, "20", Nft, Basis::Evidence, true).is_empty());
    // A policy is somebody's, too.
    let mut facts = host();
    let policies = vec!["ip filter FORWARD".into()];
    facts.nft.survey = Some(Survey { policies, ..Survey::default() });
    gives(&facts, "20", Nft, Basis::Evidence, true);
}

#[test]
fn row_21_rules_of_others_in_legacy_alone_is_legacy() {
    let mut facts = answered(with(|f| {
        f.rules(Legacy, V4, 3);
        f.host_tool(Nft);
    }));
    assert!(gives(&facts, "21", Legacy, Basis::Evidence, true).is_empty());
    facts.nft.survey = Some(native("inet firewalld"));
    let warnings = gives(&facts, "21", Legacy, Basis::Evidence, true);
    assert!(warnings[0].contains("inet firewalld"), "{warnings:?}");
    facts.no_tools();
    fails(&facts, "21", ErrorKind::Unsupported);
}

#[test]
fn row_22_rules_in_both_is_what_the_hosts_iptables_is_else_nft() {
    let mixed = |tool: Option<Kind>| {
        with(|f| {
            f.rules(Nft, V4, 1);
            f.rules(Legacy, V4, 30);
            f.host_tool_if(tool);
        })
    };
    for (tool, kind) in [(None, Nft), (Some(Nft), Nft), (Some(Legacy), Legacy)] {
        let warnings = gives(&mixed(tool), "22", kind, Basis::Evidence, true);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("1 rule of others (ip 1) in nf_tables"), "{warnings:?}");
        assert!(warnings[0].contains("30 rules of others (ip 30) in legacy"), "{warnings:?}");
    }
    let mut facts = mixed(Some(Legacy));
    facts.no_tools();
    let warnings = gives(&facts, "22", Nft, Basis::Evidence, true);
    assert!(warnings[1].contains("not installed"), "{warnings:?}");
}

#[test]
fn row_23_only_native_tables_is_nft() {
    let mut facts = with(|f| f.host_tool(Legacy));
    for table in ["inet firewalld", "inet filter", "bridge nat", "ip mine", "netdev x"] {
        facts.nft.survey = Some(native(table));
        gives(&facts, "23", Nft, Basis::Evidence, true);
    }
}

#[test]
fn row_24_an_empty_host_is_what_its_iptables_is_without_the_hint() {
    for kind in Kind::ALL {
        let mut facts = with(|f| f.host_tool(kind));
        facts.nft.survey = Some(Survey::default());
        gives(&facts, "24", kind, Basis::Nothing, false);
    }
}

#[test]
fn row_25_an_empty_host_that_says_nothing_is_nft_without_the_hint() {
    let facts = answered(host());
    gives(&facts, "25", Nft, Basis::Nothing, false);
    let unusable = answered(with(|f| {
        f.host_tool(Legacy);
        f.no_tools();
    }));
    let warnings = gives(&unusable, "25", Nft, Basis::Nothing, false);
    assert!(warnings[0].contains("not installed"), "{warnings:?}");
}

#[test]
fn row_25_is_legacy_where_nft_refuses_our_chains() {
    for tool in [None, Some(Nft)] {
        let mut facts = answered(with(|f| {
            f.host_tool_if(tool);
        }));
        facts.nft.dry_run = Some(Fact::No("no such object (ENOENT)".into()));
        gives(&facts, "25", Legacy, Basis::Nothing, false);
        assert!(chosen(&facts, None).why.contains("ENOENT"));
    }
}

#[test]
fn row_25_an_unknown_dry_run_is_an_error_to_try_again() {
    let mut facts = answered(host());
    facts.nft.dry_run = Some(Fact::Unknown("ENOBUFS".into()));
    fails(&facts, "7", ErrorKind::Busy);
}

#[test]
fn row_26_an_empty_host_without_nf_tables_is_legacy_with_the_hint() {
    for tool in [None, Some(Nft), Some(Legacy)] {
        let facts = with(|f| {
            f.no_nf_tables();
            f.host_tool_if(tool);
        });
        gives(&facts, "26", Legacy, Basis::Evidence, true);
    }
}

#[test]
fn row_27_neither_can_be_used_is_an_error_with_both_reasons() {
    let mut absent = with(|f| f.no_nf_tables());
    absent.no_tools();
    let mut refuses = answered(host());
    refuses.nft.dry_run = Some(Fact::No("EINVAL".into()));
    refuses.no_tools();
    for facts in [absent, refuses] {
        let words = fails(&facts, "27", ErrorKind::Unsupported);
        assert!(words.contains("EINVAL") && words.contains("not installed"), "{words}");
    }
}

#[test]
fn rows_20_to_25_ask_for_what_they_need_and_no_more() {
    let mut facts = with(|f| f.host_tool(Nft));
    assert_eq!(question(&facts), Question::Survey);
    facts.nft.survey = Some(Survey::default());
    assert_eq!(chosen(&facts, None).row, "24", "no legacy table is listed: nothing to survey");
    facts.host_tool = None;
    assert_eq!(question(&facts), Question::DryRun);
    facts.list(V4, "filter");
    assert_eq!(question(&facts), Question::Survey);
    let mut absent = with(|f| f.no_nf_tables());
    assert_eq!(chosen(&absent, None).row, "26", "no nf_tables: nothing to survey");
    absent.list(V6, "filter");
    assert_eq!(question(&absent), Question::Survey);
}

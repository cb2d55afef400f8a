//! Rows 1 to 4: what was asked for by hand is obeyed, with a warning where it goes against what was seen.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Basis, Conclusion, Fact, Facts, choose};
use chainkeeper_contract::ErrorKind;

use Kind::{Legacy, Nft};

#[track_caller]
fn obeyed(facts: &Facts, kind: Kind) -> Vec<String> {
    let choice = chosen(facts, Some(kind));
    let row = match kind {
        Nft => "1",
        Legacy => "3",
    };
    let is = (choice.row, choice.kind, choice.basis, choice.hint);
    assert_eq!(is, (row, kind, Basis::Asked, true), "{choice:?}");
    choice.warnings
}

#[track_caller]
fn not_obeyed(facts: &Facts, kind: Kind, error: ErrorKind) -> String {
    let no = refused(facts, Some(kind));
    let row = match kind {
        Nft => "2",
        Legacy => "4",
    };
    assert_eq!((no.row, no.kind), (row, error), "{no:?}");
    no.why
}

#[test]
fn row_1_nft_is_asked_for_and_works() {
    let mut facts = host();
    assert!(obeyed(&facts, Nft).is_empty());
    facts.nft.dry_run = Some(Fact::Yes);
    assert!(obeyed(&facts, Nft).is_empty());
}

#[test]
fn row_2_nft_is_asked_for_and_the_dry_run_fails() {
    for said in [Fact::No("ENOENT".into()), Fact::Unknown("ENOENT".into())] {
        let mut facts = host();
        facts.nft.dry_run = Some(said);
        assert_eq!(not_obeyed(&facts, Nft, ErrorKind::Unsupported), "ENOENT");
    }
}

#[test]
fn row_2_nft_is_asked_for_and_does_not_answer() {
    assert!(not_obeyed(&with(|f| f.deny()), Nft, ErrorKind::Denied).contains("EPERM"));
    let absent = with(|f| f.no_nf_tables());
    assert!(not_obeyed(&absent, Nft, ErrorKind::Unsupported).contains("EINVAL"));
    let unknown = with(|f| f.nft.answers = Fact::Unknown("EIO".into()));
    assert_eq!(not_obeyed(&unknown, Nft, ErrorKind::Busy), "EIO");
}

#[test]
fn row_3_legacy_is_asked_for_and_works() {
    assert!(obeyed(&host(), Legacy).is_empty());
}

#[test]
fn row_3_a_module_that_the_first_write_may_load_is_a_warning() {
    let mut facts = host();
    facts.legacy.kernel = Fact::Unknown("ip_tables is not loaded".into());
    assert!(obeyed(&facts, Legacy)[0].contains("not loaded"));
    facts.legacy.allowed = Fact::Unknown("status is unreadable".into());
    assert!(obeyed(&facts, Legacy)[1].contains("status is unreadable"));
    assert!(obeyed(&facts, Nft).is_empty(), "it is none of nft's business");
    facts.list(V6, "filter");
    assert_eq!(obeyed(&facts, Legacy).len(), 1, "where a table is listed the module is there");
}

#[test]
fn row_4_legacy_is_asked_for_and_something_is_missing() {
    let missing =
        |change: fn(&mut Facts)| not_obeyed(&with(change), Legacy, ErrorKind::Unsupported);
    assert!(missing(|f| f.no_tools()).contains("not installed"));
    let denied = with(|f| f.legacy.allowed = Fact::No("CAP_NET_RAW is missing".into()));
    let no_raw = not_obeyed(&denied, Legacy, ErrorKind::Denied);
    assert_eq!(no_raw, "CAP_NET_RAW is missing");
    let no_kernel = missing(|f| f.legacy.kernel = Fact::No("no ip_tables".into()));
    assert_eq!(no_kernel, "no ip_tables");
    let all = missing(|f| {
        f.no_tools();
        f.legacy.allowed = Fact::No("CAP_NET_RAW is missing".into());
        f.legacy.kernel = Fact::No("no ip_tables".into());
    });
    assert_eq!(all.split("; ").count(), 3, "{all}");
}

#[test]
fn an_override_against_the_hint_is_warned_of_by_chain_table_and_family() {
    for kind in Kind::ALL {
        let mut facts = with(|f| {
            f.hint(kind.other(), V4);
            f.hint(kind.other(), V6);
        });
        let warnings = obeyed(&facts, kind);
        let side = if kind == Nft { "legacy" } else { "nf_tables" };
        assert_eq!(
            warnings,
            [format!(
                "--backend {kind} goes against the host: KUBE-IPTABLES-HINT is in {side} (ip, ip6 mangle)"
            )]
        );
        assert!(obeyed(&facts, kind.other()).is_empty());
        // Also where it is in both.
        facts.hint(kind, V4);
        assert_eq!(obeyed(&facts, kind), warnings);
    }
}

#[test]
fn an_override_against_a_kube_proxy_or_rules_of_others_is_warned_of() {
    for kind in Kind::ALL {
        let warnings = obeyed(&with(|f| f.kube_proxy(kind.other(), V4)), kind);
        assert!(warnings[0].contains(": kube-proxy's nat KUBE-SERVICES is in "), "{warnings:?}");
        let rules = answered(with(|f| f.rules(kind.other(), V4, 7)));
        assert!(obeyed(&rules, kind)[0].contains(": 7 rules of others"));
        assert!(obeyed(&rules, kind.other()).is_empty());
    }
}

#[test]
fn what_is_no_evidence_is_no_warning() {
    for kind in Kind::ALL {
        let remembered = with(|f| f.remember(kind.other(), true));
        let tool = answered(with(|f| f.host_tool(kind.other())));
        let ours = with(|f| f.ours(kind.other(), V4));
        for facts in [remembered, tool, ours] {
            assert!(obeyed(&facts, kind).is_empty());
        }
    }
}

#[test]
fn an_override_gets_past_what_could_not_be_read_and_says_what_that_is() {
    let names = obeyed(&with(|f| f.no_names()), Nft);
    assert!(names[0].contains("EACCES") && !names[0].contains("--backend"), "{names:?}");
    let mangle = obeyed(&with(|f| f.unreadable("mangle")), Nft);
    assert!(mangle[0].contains("EPERM") && !mangle[0].contains("--backend"), "{mangle:?}");
    let denied = obeyed(&with(|f| f.deny()), Legacy);
    assert!(denied[0].contains("EPERM"), "{denied:?}");
}

#[test]
fn nothing_more_is_asked_where_a_person_has_said_it() {
    for kind in Kind::ALL {
        assert!(matches!(choose(&host(), Some(kind)), Conclusion::Chosen(_)));
    }
}

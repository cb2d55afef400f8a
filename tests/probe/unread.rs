//! Rows 5 to 9 and 17: what could not be read. A test's name says its row in words.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Basis, Fact};
use chainkeeper_contract::ErrorKind;

use Kind::{Legacy, Nft};

#[test]
fn row_5_neither_may_be_read_is_an_error() {
    let facts = with(|f| {
        f.deny();
        f.no_names();
    });
    let words = fails(&facts, "5", ErrorKind::Denied);
    assert!(words.contains("EPERM") && words.contains("EACCES"), "{words}");
}

#[test]
fn row_6_nft_may_not_be_read_is_an_error_even_if_legacy_is_empty() {
    let words = fails(&with(|f| f.deny()), "6", ErrorKind::Denied);
    assert!(words.contains("EPERM"), "{words}");
    let hint_in_legacy = with(|f| {
        f.deny();
        f.hint(Legacy, V4);
    });
    fails(&hint_in_legacy, "6", ErrorKind::Denied);
}

#[test]
fn row_7_another_errno_of_nft_is_an_error_to_try_again() {
    let facts = with(|f| f.nft.answers = Fact::Unknown("EIO".into()));
    assert!(fails(&facts, "7", ErrorKind::Busy).contains("EIO"));
}

#[test]
fn row_8_names_unreadable_and_a_hint_in_nft_is_nft_with_a_warning() {
    let facts = with(|f| {
        f.hint(Nft, V4);
        f.no_names();
    });
    let warnings = gives(&facts, "8", Nft, Basis::Evidence, true);
    assert!(warnings[0].contains("EACCES"), "{warnings:?}");
}

#[test]
fn row_8b_a_listed_table_unreadable_and_a_hint_in_nft_is_nft_with_a_warning() {
    for table in ["mangle", "nat"] {
        let facts = with(|f| {
            f.hint(Nft, V6);
            f.unreadable(table);
        });
        let warnings = gives(&facts, "8b", Nft, Basis::Evidence, true);
        assert!(warnings[0].contains("EPERM"), "{warnings:?}");
    }
}

#[test]
fn row_9_names_unreadable_and_no_hint_in_nft_is_an_error() {
    let facts = with(|f| f.no_names());
    fails(&facts, "9", ErrorKind::Denied);
    // Neither rules of others nor memory nor a kernel without nf_tables tell what legacy holds.
    let more = with(|f| {
        f.no_names();
        f.kube_proxy(Nft, V4);
        f.remember(Nft, true);
    });
    fails(&answered(more), "9", ErrorKind::Denied);
    let without = with(|f| {
        f.no_names();
        f.no_nf_tables();
    });
    fails(&without, "9", ErrorKind::Denied);
}

#[test]
fn row_17_a_mangle_table_that_cannot_be_read_is_an_error() {
    let mut facts = with(|f| f.unreadable("mangle"));
    facts.remember(Nft, true);
    facts.kube_proxy(Nft, V4);
    assert!(fails(&facts, "17", ErrorKind::Denied).contains("mangle"));
    facts.no_tools();
    fails(&facts, "17", ErrorKind::Unsupported);
}

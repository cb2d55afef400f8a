//! The keeper on the fake kernel: what it remembers between passes.
mod blind;
mod counted;

use chainkeeper::config::{Config, parse};
use chainkeeper::reconcile::{Keeper, Pass};
use chainkeeper_contract::testing::Fake;
use chainkeeper_contract::{CanaryPolicy, Family, Note, Step};
use std::collections::BTreeSet;

fn config(toml: &str) -> Config {
    parse("test", toml).expect("settings").check().expect("config")
}

/// The keeper of the next configuration.
fn next(old: &Keeper, toml: &str) -> Keeper {
    let mut keeper = Keeper::new(Box::new(Fake::default()), config(toml));
    keeper.inherit(old);
    keeper
}

fn canaries(pass: &Pass, family: Family) -> usize {
    let delta = pass.look.families[&family].as_ref().expect("readable");
    let made = |s: &&Step| matches!(s, Step::CreateChain { chain, .. } if chain.as_str().ends_with("CANARY"));
    delta.steps.iter().filter(made).count()
}

/// A family that is switched on later gets its canaries, though others have settled long since.
#[test]
fn each_family_gets_its_canaries_with_its_first_good_pass() {
    let mut keeper = Keeper::new(Box::new(Fake::default()), config("family = 'ipv4'"));
    assert_eq!(canaries(&keeper.keep(&BTreeSet::new()).expect("pass"), Family::Ipv4), 3);
    // A backend opened anew sees the same kernel; the fake is a kernel of its own.
    let mut keeper = next(&keeper, "family = 'both'");
    assert_eq!(canaries(&keeper.keep(&BTreeSet::new()).expect("pass"), Family::Ipv6), 3);
    assert!(keeper.keep(&BTreeSet::new()).expect("pass").applied.is_none());
}

#[test]
fn switched_off_at_first_it_still_writes_canaries_when_switched_on() {
    let off = config("make-iptables-util-chains = false");
    let mut keeper = Keeper::new(Box::new(Fake::default()), off);
    assert!(keeper.keep(&BTreeSet::new()).expect("pass").applied.is_none());
    let mut keeper = next(&keeper, "");
    assert_eq!(canaries(&keeper.keep(&BTreeSet::new()).expect("pass"), Family::Ipv4), 3);
}

/// Linux before 5.10 keeps no userdata of a chain: nothing is proven ours, and all works the same.
#[test]
fn a_kernel_that_keeps_no_mark_is_kept_in_sync_and_nothing_is_removed_from_it() {
    let mut keeper = Keeper::new(Box::new(Fake::without_marks()), config(""));
    keeper.apply(CanaryPolicy::Write).expect("one pass is enough");
    let look = keeper.look(CanaryPolicy::Report).expect("look");
    assert!(look.in_sync(), "{look:?}");
    let pass = keeper.remove(false).expect("remove");
    assert!(pass.applied.is_none(), "{pass:?}");
    let v4 = pass.look.families[&Family::Ipv4].as_ref().expect("readable");
    let kept = v4.notes.iter().filter(|n| matches!(n, Note::Kept { .. }));
    assert_eq!(kept.count(), 8);
}

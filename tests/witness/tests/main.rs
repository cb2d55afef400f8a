//! A second witness: `rustables` re-reads from the kernel what each encoder wrote, in each dialect.
//! What was meant is said in rustables' own words (`meant`), from rules by meaning: neither `lower` nor
//! an encoder has a part in it, so the two cannot be wrong alike.
//!
//! What rustables cannot see is in the name of a test, and `limits` shows it: the day it learns to
//! see, that test fails and the witness can be asked for more. Only the test commits in its namespace, so no listing
//! of rustables is interrupted (it gives up where one is).
mod expressions;
mod limits;
mod meant;
mod rulesets;
mod seen;
mod written;

use chainkeeper_contract::{Backend, Family, Options, Plan, Ruleset, Scope, diff};
use chainkeeper_namespace::in_netns;
use chainkeeper_nft::write::Encoder;
use chainkeeper_nft::{Dialect, Msg, NftBackend, Setup};

/// Writes what these rulesets lack. Whether the backend itself finds them afterwards is not asked: here
/// another one looks.
fn apply(setup: Setup, wants: &[Ruleset]) {
    let mut backend = NftBackend::open(setup).expect("netlink");
    let snapshot = backend.observe(&Scope::of(wants)).expect("observe");
    let steps = wants.iter().map(|want| {
        let seen = snapshot.families[&want.family].as_ref().expect("readable");
        (want.family, diff(want, seen, Options::default()).steps)
    });
    let plan = Plan { generation: snapshot.generation, families: steps.collect() };
    for (family, result) in backend.apply(&plan).expect("apply").families {
        assert!(result.is_ok(), "{setup:?} {family}: {result:?}\n{plan:#?}");
    }
}

/// Every encoder in every dialect.
fn setups() -> impl Iterator<Item = Setup> {
    let dialects = [Dialect::Xt, Dialect::Native];
    let of = move |encoder: &Encoder| {
        dialects.map(|dialect| Setup { encoder: *encoder, dialect, ..Setup::default() })
    };
    Encoder::ALL.iter().flat_map(of)
}

/// The same messages for both families.
fn both(messages: &[Msg]) -> Vec<(Family, Msg)> {
    Family::ALL.iter().flat_map(|f| messages.iter().map(|m| (*f, m.clone()))).collect()
}

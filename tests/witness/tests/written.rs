//! Bytes, without a kernel between. rustables lets nobody outside parse bytes (its `deserialize` is a
//! private trait's), but it writes: what it makes of the same expressions must be what each encoder
//! makes. So this sees what a kernel evens out, register 8 for 1 among it (`limits`).
use crate::expressions::{pairs, rule};
use chainkeeper_contract::{Family, Place};
use chainkeeper_nft::read::Attrs;
use chainkeeper_nft::write::{Batch, Encoder, Writer};
use rustables::Rule;
use rustables::query::get_list_of_objects;
use std::collections::BTreeMap;

const EXPRESSIONS: u16 = 4;
/// struct nlmsghdr, struct nfgenmsg.
const HEADERS: usize = 16 + 4;

/// An expression's name and the attributes of its data, by number.
type Written = (Vec<u8>, BTreeMap<u16, Vec<u8>>);

fn attributes(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let read = Attrs::new(bytes).map(|a| a.expect("well-formed"));
    read.map(|a| (a.kind, a.value.to_vec())).collect()
}

/// The expressions of a NEWRULE. rustables ends names without a NUL.
fn expressions(message: &[u8]) -> Vec<Written> {
    let rule: BTreeMap<u16, Vec<u8>> = attributes(&message[HEADERS..]).into_iter().collect();
    let elements = attributes(&rule[&EXPRESSIONS]).into_iter();
    let written = elements.map(|(_, element)| {
        let parts: BTreeMap<u16, Vec<u8>> = attributes(&element).into_iter().collect();
        let name = parts[&1].strip_suffix(b"\0").unwrap_or(&parts[&1]).to_vec();
        (name, attributes(&parts[&2]).into_iter().collect())
    });
    written.collect()
}

#[test]
fn each_encoder_writes_what_rustables_writes_but_for_verdicts_xt_and_masquerade() {
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs().into_iter().unzip();
    let object = Rule::default().with_expressions(theirs);
    let theirs = expressions(&get_list_of_objects(6, 0, Some(&object)).expect("writable"));
    assert_eq!(theirs.len(), ours.len());
    let messages = [(Family::Ipv4, rule(ours, Place::Last))];
    let batch = Batch::new(&messages, None, 1, false).expect("writable");
    for encoder in Encoder::ALL {
        // BATCH_BEGIN comes first and has headers only.
        let bytes = encoder.batch(&batch);
        assert_eq!(expressions(&bytes[HEADERS..]), theirs, "{encoder:?}");
    }
}

//! xt extensions as C lays them out. rustables keeps them as bytes, so their structures are written
//! down here field by field (linux/netfilter/xt_mark.h, xt_comment.h, xt_conntrack.h, nf_nat.h), and the
//! compiler finds the offsets.
use crate::seen::Word;
use chainkeeper_contract::{Cond, CtStates, Family, Mark, Rule};
use std::mem::{offset_of, size_of};

/// struct xt_mark_mtinfo1.
#[repr(C)]
struct MarkMatch {
    mark: u32,
    mask: u32,
    invert: u8,
}

/// struct xt_mark_tginfo2.
#[repr(C)]
struct MarkTarget {
    mark: u32,
    mask: u32,
}

/// struct xt_conntrack_mtinfo3.
#[repr(C)]
struct Conntrack {
    addresses_and_masks: [[u32; 4]; 8],
    expires_min: u32,
    expires_max: u32,
    l4proto: u16,
    ports: [u16; 4],
    match_flags: u16,
    invert_flags: u16,
    state_mask: u16,
    status_mask: u16,
    ports_high: [u16; 4],
}

/// struct nf_nat_ipv4_multi_range_compat, with its one range.
#[repr(C)]
struct Ranges {
    rangesize: u32,
    flags: u32,
    min_and_max_ip: [u32; 2],
    min_and_max_port: [u16; 2],
}

/// struct nf_nat_range.
#[repr(C)]
struct Range {
    flags: u32,
    min_and_max_addr: [[u32; 4]; 2],
    min_and_max_proto: [u16; 2],
}

/// XT_CONNTRACK_STATE.
const STATE: u16 = 1;
/// NF_NAT_RANGE_PROTO_RANDOM_FULLY.
const RANDOM_FULLY: u32 = 1 << 4;

/// Comment, mark and conntrack, in that order.
pub(super) fn matches(rule: &Rule) -> Vec<Word> {
    let mut words = Vec::new();
    if let Some(text) = &rule.comment {
        words.push(extension("match", "comment", 0, Blob::new(256).put(0, text.as_bytes())));
    }
    words.extend(rule.matches.mark.as_ref().map(mark_match));
    words.extend(rule.matches.ctstate.as_ref().map(conntrack));
    words
}

fn mark_match(Cond { negated, value }: &Cond<Mark>) -> Word {
    let blob = Blob::new(size_of::<MarkMatch>())
        .put(offset_of!(MarkMatch, mark), &value.value.to_ne_bytes())
        .put(offset_of!(MarkMatch, mask), &value.mask.to_ne_bytes())
        .put(offset_of!(MarkMatch, invert), &[u8::from(*negated)]);
    extension("match", "mark", 1, blob)
}

fn conntrack(Cond { negated, value: CtStates(states) }: &Cond<CtStates>) -> Word {
    let inverted = if *negated { STATE } else { 0 };
    let blob = Blob::new(size_of::<Conntrack>())
        .put(offset_of!(Conntrack, match_flags), &STATE.to_ne_bytes())
        .put(offset_of!(Conntrack, invert_flags), &inverted.to_ne_bytes())
        .put(offset_of!(Conntrack, state_mask), &states.to_ne_bytes());
    extension("match", "conntrack", 3, blob)
}

pub(super) fn mark(value: u32, mask: u32) -> Word {
    let blob = Blob::new(size_of::<MarkTarget>())
        .put(offset_of!(MarkTarget, mark), &value.to_ne_bytes())
        .put(offset_of!(MarkTarget, mask), &mask.to_ne_bytes());
    extension("target", "MARK", 2, blob)
}

pub(super) fn masquerade(family: Family, random_fully: bool) -> Word {
    let flags = if random_fully { RANDOM_FULLY } else { 0 }.to_ne_bytes();
    let blob = match family {
        Family::Ipv4 => Blob::new(size_of::<Ranges>())
            .put(offset_of!(Ranges, rangesize), &1u32.to_ne_bytes())
            .put(offset_of!(Ranges, flags), &flags),
        Family::Ipv6 => Blob::new(size_of::<Range>()).put(offset_of!(Range, flags), &flags),
    };
    extension("target", "MASQUERADE", 0, blob)
}

/// Zeroes but for some fields; XT_ALIGN makes a multiple of 8 of it.
struct Blob(Vec<u8>);

impl Blob {
    fn new(size: usize) -> Blob {
        Blob(vec![0; size.next_multiple_of(8)])
    }

    fn put(mut self, offset: usize, bytes: &[u8]) -> Blob {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }
}

/// What nft_compat shows: name, revision, info.
fn extension(kind: &str, name: &str, revision: u32, info: Blob) -> Word {
    let name = [name.as_bytes(), b"\0"].concat();
    let attributes = [(1, name), (2, revision.to_be_bytes().into()), (3, info.0)];
    Word::Kept(kind.into(), attributes.iter().flat_map(|(k, value)| attribute(*k, value)).collect())
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let len = 4 + value.len();
    let mut out = [(len as u16).to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend(value);
    out.resize(len.next_multiple_of(4), 0);
    out
}

//! The smallest commit that there is: an element of a set comes, or goes.
use super::writer::{REQUEST_ACK, batch, framed};
use super::{Programs, Raw, feed};
use std::path::Path;

// linux/netfilter/nf_tables.h
const NEW_ELEMENT: u16 = 0xa0c;
const DEL_ELEMENT: u16 = 0xa0e;
const CREATE: u16 = 0x400;
const NESTED: u16 = 0x8000;
const INET: u8 = 1;
const SET: &str = "add table inet busy\nadd set inet busy ports { type inet_service; }\n";

/// A set in a table of its own, in the calling thread's network namespace, and one element of it.
#[derive(Debug)]
pub(crate) struct Element {
    raw: Raw,
    /// Its coming and its going.
    batches: [Vec<u8>; 2],
    commits: usize,
}

impl Element {
    pub(crate) fn new() -> anyhow::Result<Element> {
        feed(&mut Programs::new(Path::new("/")).command("nft", "-f -")?, SET)?;
        let names = [attribute(1, b"busy\0"), attribute(2, b"ports\0")].concat();
        // list > element > key > value
        let port = attribute(1, &443_u16.to_be_bytes());
        let element = [NESTED | 1, NESTED | 1, NESTED | 3];
        let element = element.iter().fold(port, |inner, kind| attribute(*kind, &inner));
        let body = [names, element].concat();
        let one = |kind, flags| batch(&[framed(kind, flags, INET, [0, 0], &body)]);
        let batches = [one(NEW_ELEMENT, REQUEST_ACK | CREATE), one(DEL_ELEMENT, REQUEST_ACK)];
        Ok(Element { raw: Raw::open()?, batches, commits: 0 })
    }

    /// One commit.
    pub(crate) fn change(&mut self) -> anyhow::Result<()> {
        let batch = &self.batches[self.commits % 2];
        self.commits += 1;
        self.raw.send(batch).map(drop)
    }
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = 4 + value.len();
    let mut out = u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes().to_vec();
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    out.resize(length.next_multiple_of(4), 0);
    out
}

//! Any bytes as answers of conntrack: a value or an error, never a panic. The reader is no part of its crate's
//! interface, so its files are read in here.
#![no_main]
#![allow(dead_code, reason = "the reader is all that is used of them")]
use chainkeeper_nft::netlink::{Body, Messages};
use libfuzzer_sys::fuzz_target;

#[path = "../../../backends/conntrack/src/flow.rs"]
mod flow;
#[path = "../../../backends/conntrack/src/read.rs"]
mod read;
#[path = "../../../backends/conntrack/src/uapi.rs"]
mod uapi;

fuzz_target!(|bytes: &[u8]| {
    // As attributes alone, since few bytes pass as a message's head.
    check(2, bytes);
    check(10, bytes);
    for message in Messages::new(bytes).flatten() {
        if let Body::Object { family, attrs, .. } = message.body {
            check(family, attrs);
        }
    }
});

fn check(family: u8, attrs: &[u8]) {
    let _ = read::entries(attrs);
    if let Ok(Some(entry)) = read::entry(family, attrs) {
        // An order without a tuple would be one to empty the kernel's table.
        assert!(!entry.flow().tuple.is_empty());
        assert!(entry.flow().to_string().is_ascii());
    }
}

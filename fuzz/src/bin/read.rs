//! Any bytes into the reader: a value or an error, never a panic.
#![no_main]
use chainkeeper_contract::Family;
use chainkeeper_nft::read::{self, Body, Messages};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for message in Messages::new(bytes).flatten() {
        let Body::Object { attrs, .. } = message.body else { continue };
        let _ = read::table(attrs);
        let _ = read::chain(attrs);
        let _ = read::commit(attrs);
        if let Ok(rule) = read::rule(attrs) {
            for family in Family::ALL {
                let _ = chainkeeper_nft::raise(family, &rule.exprs, &rule.userdata);
            }
        }
    }
});

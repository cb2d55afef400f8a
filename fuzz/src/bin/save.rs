//! Any text as a save: no panic, and what is said of a rule agrees with itself.
#![no_main]
use chainkeeper_contract::text::{Line, jumps_to, outline, parse_save, parse_spec};
use chainkeeper_contract::{End, Family};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for table in parse_save(text).unwrap_or_default() {
        let is_chain = |name: &str| table.chains.iter().any(|(chain, _)| chain.as_str() == name);
        for rule in &table.rules {
            check(&rule.spec, &is_chain);
        }
    }
    // Also what is no rule of a save, newlines and all.
    check(text, &|name| name.contains('-'));
});

fn check(spec: &str, is_chain: &dyn Fn(&str) -> bool) {
    for family in Family::ALL {
        match parse_spec(family, spec) {
            Line::Foreign(text) => assert_eq!(text, spec),
            Line::Rule(rule) => {
                assert_eq!(parse_spec(family, &rule.to_string()), Line::Rule(rule));
                assert!(jumps_to(spec).is_some());
            }
        }
    }
    let seen = outline(spec, is_chain);
    assert_eq!(seen.text, spec);
    let to = jumps_to(spec);
    match &seen.end {
        End::Next => assert!(to.is_none_or(|to| !matches!(to, "ACCEPT" | "DROP" | "RETURN"))),
        End::Accept => assert_eq!(to, Some("ACCEPT")),
        End::Drop => assert_eq!(to, Some("DROP")),
        End::Return => assert_eq!(to, Some("RETURN")),
        End::Jump(name) | End::Goto(name) => {
            assert!(is_chain(name.as_str()));
            assert_eq!(to, Some(name.as_str()));
        }
        End::Other(name) => assert_eq!(to, Some(name.as_str())),
        End::Unknown(name) => assert!(to.is_none_or(|to| to == name)),
    }
}

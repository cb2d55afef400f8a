//! Any text as what /proc says of a process: no panic, and nothing in what is said of it is taken for a command by a
//! terminal. The readers are no part of an interface, so their files are read in here.
#![no_main]
#![allow(dead_code, reason = "the readers are all that is used of them")]
use libfuzzer_sys::fuzz_target;

#[path = "../../../src/culprit/cgroup.rs"]
mod cgroup;
#[path = "../../../src/culprit/text.rs"]
mod text;

fuzz_target!(|given: &str| {
    if let Some(stat) = text::stat(given) {
        plain(&text::harmless(&stat.name));
    }
    let _ = text::leader(given);
    let _ = text::namespaces(given);
    if let Some(command) = text::command(given) {
        plain(&command);
        assert!(command.chars().count() <= 200, "{command}");
    }
    let (unit, container) = cgroup::home(given);
    assert!(unit.is_none_or(|unit| unit.is_ascii() && !unit.contains([' ', '/', '\x1b'])));
    assert!(container.is_none_or(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit())));
});

fn plain(said: &str) {
    assert!(!said.contains(char::is_control), "{said:?}");
}

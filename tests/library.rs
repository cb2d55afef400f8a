//! The crate in another program: `examples/embed.rs`, which Cargo builds with the tests.
use crate::support::{Host, PROGRAM};
use std::path::Path;

#[test]
fn another_agent_keeps_the_chains_by_itself() {
    let host = Host::unknown();
    let folder = Path::new(PROGRAM).parent().expect("a folder");
    let example = folder.join("examples/embed");
    let said = host.sh(&format!("'{}'", example.display()));
    for line in [
        "backend: nft: --backend nft says so",
        "in sync before: false",
        "written: true",
        "ended as asked: true",
        "removed: true",
    ] {
        assert!(said.lines().any(|l| l == line), "{line}\n{said}");
    }
    assert!(!host.sh("nft list ruleset").contains("KUBE-"), "it leaves nothing behind");
    assert!(!host.socket().exists() && host.files().is_empty(), "{:?}", host.files());
}

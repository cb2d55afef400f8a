//! What ARCHITECTURE.md calls pure asks nobody, by its text: no clock, no file, no socket, no thread. A test
//! that runs without them cannot tell; one day it would only be slow, or right on this machine alone.
use std::fs;
use std::path::{Path, PathBuf};

/// The beginnings of their paths.
const PURE: [&str; 14] = [
    "backends/contract/src/",
    "src/damage",
    "src/logging/often",
    "src/metrics.rs",
    "src/metrics/page",
    "src/metrics/table",
    "src/metrics/text",
    "src/monitor",
    "src/policy",
    "src/probe.rs",
    "src/probe/choose",
    "src/reconcile/wanted",
    "src/safe",
    "src/teller",
];

/// What is outside, and our own modules that go there.
const OUTSIDE: [&str; 18] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::process",
    "std::thread",
    "TcpStream",
    "UdpSocket",
    "Unix",
    "Instant",
    "SystemTime",
    "libc::",
    "nix::",
    "procfs::",
    "tokio::",
    "chainkeeper_legacy",
    "chainkeeper_nft",
    "crate::host",
    "gather::",
];

/// Every file of Rust below that folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    };
    found.flat_map(below).filter(|path| path.extension().is_some_and(|ext| ext == "rs")).collect()
}

#[test]
fn what_is_pure_names_nothing_of_the_outside() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all: Vec<PathBuf> =
        ["src", "backends/contract/src"].iter().flat_map(|f| files(&root.join(f))).collect();
    for pure in PURE {
        let inside = |path: &&PathBuf| {
            path.strip_prefix(root).is_ok_and(|path| path.to_string_lossy().starts_with(pure))
        };
        let mut some = false;
        for path in all.iter().filter(inside) {
            some = true;
            let text = fs::read_to_string(path).expect("text");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let found = OUTSIDE.iter().find(|name| line.contains(*name));
                assert_eq!(found, None, "{}: {}", path.display(), line.trim());
            }
        }
        assert!(some, "nothing is called {pure}* any more");
    }
}

//! Looking for evidence: right on each kind of host, and harmless on all of them. A table that is looked
//! for by the wrong tool comes into being, and then is evidence itself.
mod hosts;
mod rights;

use crate::support::{Host, On, Said};
use serde_json::Value;

/// All that looking could change.
#[derive(Debug, PartialEq)]
struct Untouched {
    /// The kernel's lists of legacy tables.
    names: String,
    generation: u32,
    nft: String,
    /// With counters. Reads the tables that are listed, and makes none.
    legacy: String,
    lock: bool,
    state: Option<Vec<u8>>,
}

impl Untouched {
    fn of(host: &Host) -> Untouched {
        Untouched {
            names: host.sh("cd /proc/net; cat ip_tables_names ip6_tables_names 2>&1 || true"),
            generation: host.generation(),
            nft: host.sh("nft -a list ruleset"),
            legacy: host.legacy_tables(),
            lock: host.lock().exists(),
            state: std::fs::read(host.state()).ok(),
        }
    }
}

const HINT4: &str = "-t mangle -N KUBE-IPTABLES-HINT";

/// A host on which the plain `iptables` is that of nf_tables.
fn host(memory: &str, setup: &str) -> Host {
    let host = if memory.is_empty() { Host::unknown() } else { Host::of(On::named(memory)) };
    host.plain("v1.8.9 (nf_tables)");
    host.sh(setup);
    // The machine's own tools have used the lock.
    let _ = std::fs::remove_file(host.lock());
    host
}

/// Such as `nft 10 evidence`, and whether the hint is written or withheld; or the exit code and the error.
fn answer(said: &Said) -> String {
    let probe: Value =
        serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {said:?}"));
    let choice = &probe["backend"];
    if choice.is_null() {
        return format!(
            "exit {}: {}",
            said.code,
            probe["error"]["message"].as_str().expect("words")
        );
    }
    assert_eq!(said.code, 0, "{said:?}");
    let word = |key: &str| choice[key].as_str().expect("a word");
    let hint = if choice["hint"] == true { "hint" } else { "no hint" };
    format!("{} {} {}, {hint}", word("kind"), word("row"), word("basis"))
}

/// Every command that only looks, under `setpriv` or the like. None of them may change anything.
fn look(host: &Host, before: &str) -> Said {
    let untouched = Untouched::of(host);
    let words = ["diff", "diff --validate", "remove --dry-run", "probe", "probe --output json"];
    let said = words.map(|words| {
        let said = host.ck_under(before, words);
        assert_eq!(Untouched::of(host), untouched, "{words}: {said:?}");
        assert!(!said.stderr.contains("panicked"), "{said:?}");
        said
    });
    let [.., probe] = said;
    probe
}

//! From one backend to the other: after whom, when not, and that nothing is lost on the way.
mod failing;
mod following;
mod staying;
mod sweeping;
mod traffic;

use crate::support::{Host, On, PROGRAM, Running, comes_true, eventually};
use std::fs;

/// Adds or takes kubelet's hint in that backend, both families.
fn hint(host: &Host, backend: &str, how: &str) {
    for tool in ["iptables", "ip6tables"] {
        host.sh(&format!("{tool}-{backend} -t mangle -{how} KUBE-IPTABLES-HINT"));
    }
}

/// A host with kubelet's hint in that backend, and nothing remembered.
fn hinted(backend: &str) -> Host {
    let host = Host::unknown();
    hint(&host, backend, "N");
    host
}

/// What kubelet does when it moves: its new hint comes, then the old one goes.
fn kubelet_moves(host: &Host, from: &str, to: &str) {
    hint(host, to, "N");
    hint(host, from, "X");
}

/// The chains of our names in that backend.
fn chains(host: &Host, backend: &str) -> Vec<String> {
    host.our_chains(On::named(backend))
}

/// All that does something is in that backend. Canaries and the hint may be another's.
fn whole(host: &Host, backend: &str) -> bool {
    let there = chains(host, backend);
    ["ip", "ip6"].iter().all(|family| {
        ["nat KUBE-MARK-MASQ", "nat KUBE-MARK-DROP", "nat KUBE-POSTROUTING", "filter KUBE-FIREWALL"]
            .iter()
            .all(|chain| there.contains(&format!("{family} {chain}")))
    })
}

/// Starts `run` with a short period and waits until it has chosen a backend and done its first pass. What is
/// there already does not tell that, and a run that begins after kubelet's move has nowhere to move to.
fn started(host: &Host, words: &str) -> Running {
    let run = host.start(PROGRAM, &format!("run --sync-period 100ms {words}"));
    host.ck_ok("check --live --wait 10s", 0);
    run
}

/// The same, and waits until all is in that backend.
fn running(host: &Host, backend: &str, words: &str) -> Running {
    let run = started(host, words);
    eventually("the chains are there", || whole(host, backend));
    run
}

/// Waits for words in the journal; in vain, it shows what was said instead.
fn says(run: &Running, words: &str) {
    let said = comes_true(10, || run.journal().contains(words));
    assert!(said, "{words:?} is not in the journal:\n{}", run.journal());
}

fn times(run: &Running, words: &str) -> usize {
    run.journal().matches(words).count()
}

/// Ends it; with this code, and without any panic.
fn ends(mut run: Running, code: i32) -> String {
    run.signal("TERM");
    let (ended, journal) = (run.ended(), run.journal());
    assert!(ended == code && !journal.contains("panicked"), "{journal}");
    journal
}

/// Takes out of the state file what was created.
fn lose_the_record(host: &Host) {
    let text = fs::read_to_string(host.state()).expect("a state file");
    let mut state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    state["created"] = serde_json::json!([]);
    fs::write(host.state(), state.to_string()).expect("writable");
}

/// The chains that the state file says are ours in legacy.
fn recorded(host: &Host) -> Vec<String> {
    let text = fs::read_to_string(host.state()).expect("a state file");
    let state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    state["created"].as_array().expect("a list").iter().map(ToString::to_string).collect()
}

//! What a container costs, printed: from `run` to chains in place, and resident memory. No test asserts a time.
use crate::engines::{ENGINES, Engine, FULL, Want};
use crate::node::Node;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

#[test]
fn start_to_in_sync_and_memory() {
    println!(
        "{:<12}{:<8}{:>14}{:>14}{:>16}{:>12}",
        "engine", "backend", "--version", "apply", "in sync after", "resident"
    );
    for kind in ENGINES {
        let node = Node::new();
        let engine = kind.start(&node);
        for (name, want) in [("nft", Want::nft()), ("legacy", Want::legacy())] {
            println!("{:<12}{name:<8}{}", kind.name(), measured(&engine, &want));
        }
    }
}

/// Medians of a container that does nothing, of one that writes everything, and the difference: the engine's
/// own part is in both. Then a keeper's memory.
fn measured(engine: &Engine<'_>, want: &Want) -> String {
    let nothing = median(|| time(engine, want, "--version"));
    let apply = median(|| {
        let wipe =
            if want.image == FULL { "iptables-legacy -w -t nat -F" } else { "nft flush ruleset" };
        engine.node.sh(wipe);
        time(engine, want, "apply")
    });
    let keeper = engine.start(want);
    keeper.in_sync();
    let [pid] = engine.node.keepers().try_into().expect("one process of ours");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS").trim();
    let text = format!(
        "{:>11} ms{:>11} ms{:>13} ms{resident:>12}",
        nothing.as_millis(),
        apply.as_millis(),
        apply.saturating_sub(nothing).as_millis()
    );
    assert_eq!(keeper.stop(), 0);
    text
}

fn time(engine: &Engine<'_>, want: &Want, words: &'static str) -> Duration {
    let begin = Instant::now();
    let said = engine.ck(want, words);
    let time = begin.elapsed();
    assert_eq!(said.code, 0, "{said:?}");
    time
}

fn median(run: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = std::iter::repeat_with(run).take(ROUNDS).collect();
    all.sort();
    all[ROUNDS / 2]
}

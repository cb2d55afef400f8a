//! What a container costs, printed: from `run` to chains in place, and resident memory. No test asserts a time.
use crate::backend::Backend;
use crate::engines::{ENGINES, Engine, Want};
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
        for backend in [Backend::Nft, Backend::Legacy] {
            println!("{:<12}{:<8}{}", kind.name(), backend.name(), measured(&engine, backend));
        }
    }
}

/// Medians of a container that does nothing, of one that writes everything, and the difference: the engine's
/// own part is in both. Then a keeper's memory.
fn measured(engine: &Engine<'_>, backend: Backend) -> String {
    let want = &backend.want();
    time(engine, want, "--version"); // the image is loaded by the first
    let (mut nothing, mut apply) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        engine.node.sh(backend.wipe());
        nothing.push(time(engine, want, "--version"));
        apply.push(time(engine, want, "apply"));
    }
    let [nothing, apply] = [nothing, apply].map(median);
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

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

//! What a container costs, printed: from `run` to chains in place, and resident memory. No test asserts a time.
use crate::backend::Backend;
use crate::engines::{ENGINES, Engine, Want, images};
use crate::node::{Node, said, status_of};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

#[test]
fn start_to_in_sync_and_memory() {
    let columns = ["--version", "apply", "alone", "resident"].map(|name| format!("{name:>13}"));
    println!("{:<12}{:<8}{}", "engine", "backend", columns.concat());
    for kind in ENGINES {
        let node = Node::new();
        let engine = kind.start(&node);
        for backend in [Backend::Nft, Backend::Legacy] {
            println!("{:<12}{:<8}{}", kind.name(), backend.name(), measured(&engine, backend));
        }
    }
}

/// Medians: of a container that does nothing, of one that brings everything in place, and of the same program
/// without an engine, with the node's own tools. Then a keeper's memory.
fn measured(engine: &Engine<'_>, backend: Backend) -> String {
    let want = &backend.want();
    time(engine, want, "--version"); // the image is loaded by the first
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let wipe = || engine.node.sh(backend.wipe());
        wipe();
        times[0].push(time(engine, want, "--version"));
        times[1].push(time(engine, want, "apply"));
        wipe();
        times[2].push(alone(engine.node, backend));
    }
    let times = times.map(|all| format!("{:>10.1} ms", median(all).as_secs_f64() * 1e3));
    let keeper = engine.start(want);
    keeper.in_sync();
    let resident = status_of(&engine.node.keeper(), "VmRSS");
    assert_eq!(keeper.stop(), 0);
    format!("{}{:>13}", times.concat(), resident)
}

/// From the start of the program to its end, with all in place.
fn alone(node: &Node, backend: Backend) -> Duration {
    let program = images() + "/context/nft/chainkeeper";
    let mut command = node.command(&program);
    let words = ["--backend", backend.name(), "--state-file", "none", "apply"];
    let begin = Instant::now();
    let said = said(
        command
            .args(words)
            .env("container", "none")
            .env_remove("CHAINKEEPER_IMAGES")
            .env_remove("CHAINKEEPER_NEXT"),
    );
    let time = begin.elapsed();
    assert_eq!(said.code, 0, "{said:?}");
    time
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

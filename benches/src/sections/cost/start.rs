//! From the start of a process until everything is in place.
use super::binaries;
use crate::args::Args;
use crate::result::{Row, Table};
use crate::samples::{Samples, ms, timed};
use crate::world::{Programs, Service, Watching, Way, alone};
use std::path::PathBuf;

const ROUNDS: usize = 20;

/// What is started.
#[derive(Debug, Clone)]
enum Start {
    Service(PathBuf, Watching),
    Once(Way),
}

impl Start {
    /// In ms, in the calling thread's network namespace.
    fn measure(&self) -> anyhow::Result<f64> {
        match self {
            Start::Service(binary, way) => Ok(ms(Service::of(binary, *way, &[])?.came_up)),
            Start::Once(way) => {
                let folder = tempfile::tempdir()?;
                let (ms, done) = timed(way.open(&Programs::new(folder.path()))?);
                done.map(|()| ms)
            }
        }
    }
}

pub(super) fn measure(args: &Args) -> anyhow::Result<Table> {
    let mut all: Vec<_> = contenders(args)?
        .into_iter()
        .map(|(name, start)| (name, start, Samples::default()))
        .collect();
    let rounds = args.rounds(ROUNDS);
    for _ in 0..rounds {
        for (_, start, samples) in &mut all {
            let start = start.clone();
            samples.add(alone(move || start.measure())?);
        }
    }
    let row = |(name, _, of): &(String, Start, Samples)| Row::numbers(name, [of.p50(), of.p99()]);
    Ok(Table {
        title: "start to in place, ms".into(),
        columns: ["p50", "p99"].map(String::from).to_vec(),
        rows: all.iter().map(row).collect(),
        notes: vec![
            format!(
                "{rounds} rounds, each in a new network namespace. A service counts once its status"
            ),
            "says so, which is asked each ms.".into(),
        ],
    })
}

fn contenders(args: &Args) -> anyhow::Result<Vec<(String, Start)>> {
    let mut all = Vec::new();
    for (word, binary) in binaries(args)? {
        for way in Watching::EACH {
            all.push((format!("service, {way}{word}"), Start::Service(binary.clone(), way)));
        }
        let apply = Way::Process(binary, "nft");
        all.push((format!("chainkeeper apply{word}"), Start::Once(apply)));
    }
    all.push(("kubelet's sequence, iptables-nft".into(), Start::Once(Way::Kubelet("nft"))));
    Ok(all)
}

//! System calls and process starts of a pass, counted by strace(1).
use super::binaries;
use crate::args::Args;
use crate::result::{Bar, Measured, Plot, Row, Table, Who};
use crate::world::{Programs, V4, V6, alone, kubelet};
use anyhow::{Context as _, ensure};
use std::fs::read_to_string;
use std::path::PathBuf;

/// Of one process, for the count of one.
const PASSES: usize = 10;

/// A pass, whose it is, and its system calls and process starts.
type Counted = (String, Who, [f64; 2]);

pub(super) fn measure(args: &Args, out: &mut Measured) -> anyhow::Result<()> {
    let binaries = binaries(args)?;
    let all = alone(move || passes(&binaries))?;
    out.plots.push(Plot::Bars {
        name: "calls".into(),
        title: "System calls of a pass that finds nothing to do".into(),
        unit: "system calls".into(),
        bars: all.iter().filter(|(name, ..)| !name.contains("first")).map(bar).collect(),
    });
    out.tables.push(Table {
        title: "a pass".into(),
        columns: ["system calls", "process starts"].map(String::from).to_vec(),
        rows: all.into_iter().map(|(name, _, counts)| Row::numbers(name, counts)).collect(),
        notes: vec![
            "Of both families. All but the first find everything in place.".into(),
            format!("In process: {PASSES} passes after the first, divided. By strace -f -c."),
        ],
    });
    Ok(())
}

/// In the calling thread's network namespace, which nobody else uses.
fn passes(binaries: &[(&str, PathBuf)]) -> anyhow::Result<Vec<Counted>> {
    let mut all = Vec::new();
    let mut add = |name: String, who, counts| all.push((name, who, counts));
    let apply = |binary: &PathBuf, backend| counted(|programs| programs.apply(binary, backend));
    add("chainkeeper apply, the first".into(), Who::Ours, apply(&binaries[0].1, "nft")?);
    add("chainkeeper, in process".into(), Who::Ours, in_process()?);
    for (word, binary) in binaries {
        add(format!("chainkeeper apply{word}"), Who::Ours, apply(binary, "nft")?);
    }
    for ending in ["nft", "legacy"] {
        let sequence = || counted(|programs| kubelet(programs, ending).map(drop));
        if ending == "legacy" {
            sequence()?;
            add("chainkeeper apply, legacy".into(), Who::Ours, apply(&binaries[0].1, ending)?);
        }
        add(format!("kubelet's sequence, iptables-{ending}"), Who::Theirs, sequence()?);
        let restores = counted(|programs| {
            programs.restore("ip", ending, V4)?;
            programs.restore("ip6", ending, V6)
        })?;
        add(format!("iptables-{ending}-restore, both"), Who::Theirs, restores);
        let saves = counted(|programs| {
            let grep = |l3| format!("-c \"{l3}tables-{ending}-save | grep -q KUBE-MARK-MASQ\"");
            ensure!(programs.run("sh", &grep("ip"))? && programs.run("sh", &grep("ip6"))?);
            Ok(())
        })?;
        add(format!("iptables-{ending}-save | grep, both"), Who::Theirs, saves);
    }
    Ok(all)
}

fn in_process() -> anyhow::Result<[f64; 2]> {
    let binary = std::env::current_exe()?.with_file_name("passes");
    let of = |passes: usize| {
        counted(|programs| {
            let words = passes.to_string();
            let done = programs.run(&binary.to_string_lossy(), &words)?;
            ensure!(done, "{} {words} failed", binary.display());
            Ok(())
        })
    };
    // The first of a process asks what it need not ask again.
    let (all, one) = (of(PASSES + 1)?, of(1)?);
    Ok([0, 1].map(|nth| (all[nth] - one[nth]) / PASSES as f64))
}

/// Of all programs that it runs, with the processes that those start.
fn counted(work: impl FnOnce(&Programs) -> anyhow::Result<()>) -> anyhow::Result<[f64; 2]> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("counts");
    work(&Programs::new(folder.path()).traced(&file)).context("under strace")?;
    let counts = read_to_string(&file)?;
    // Percent, seconds, time of each, how many, errors where there are any, name.
    let sum = |name| -> f64 {
        let lines = counts.lines().filter(|line| line.split_whitespace().last() == Some(name));
        lines.filter_map(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok()).sum()
    };
    Ok([sum("total"), sum("execve")])
}

fn bar((name, who, [calls, _]): &Counted) -> Bar {
    Bar { name: name.clone(), who: *who, p50: *calls, p99: *calls }
}

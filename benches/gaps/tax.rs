//! What the watch costs others: the time of a large restore, without the service and with it.
use super::service::{Service, Way};
use super::table::quantile;
use super::{in_netns, joined, ms};
use anyhow::{Context as _, ensure};
use chainkeeper_contract::testing::big_restore;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const RULES: usize = 20_000;
const ROUNDS: usize = 9;
/// What the last round leaves is taken down in the background.
const BETWEEN: Duration = Duration::from_millis(300);

/// Rounds of each way in turn, so that what else the machine does meets all of them.
pub(crate) fn print() -> anyhow::Result<()> {
    let ways = [None, Some(Way::Events), Some(Way::Poll)];
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules");
    std::fs::write(&file, big_restore(RULES))?;
    let mut times: [Vec<f64>; 3] = Default::default();
    for nth in 0..ROUNDS * ways.len() {
        // Each way is as often the first of a round as the others.
        let of = (nth + nth / ways.len()) % ways.len();
        let (way, file) = (ways[of], file.clone());
        times[of].push(joined(in_netns(move || restore(way, &file)))?);
        thread::sleep(BETWEEN);
    }
    println!("\niptables-nft-restore of {RULES} rules, {ROUNDS} rounds, ms");
    println!("{:16}{:>8}{:>8}{:>8}{:>12}", "", "min", "p50", "max", "p50 ratio");
    let alone = quantile(&times[0], 50);
    for (way, times) in ways.iter().zip(&times) {
        let name = way.map_or("no service".into(), |way| format!("with {way}"));
        let [min, p50, max] = [0, 50, 100].map(|q| quantile(times, q));
        println!("{name:16}{min:8.0}{p50:8.0}{max:8.0}{:12.3}", p50 / alone);
    }
    Ok(())
}

fn restore(way: Option<Way>, file: &Path) -> anyhow::Result<f64> {
    let service = way.map(|way| Service::start(way, None)).transpose()?;
    // Without the service it meets the same tables and chains.
    if service.is_none() {
        let folder = tempfile::tempdir()?;
        let mut apply = Command::new(env!("CARGO_BIN_EXE_chainkeeper"));
        apply.args(["apply", "--backend", "nft"]).env("STATE_DIRECTORY", folder.path());
        ensure!(run(apply.stdout(Stdio::null()))?, "apply failed");
        thread::sleep(Way::Events.pace().1);
    }
    let took = timed(file)?;
    drop(service);
    Ok(took)
}

fn timed(file: &Path) -> anyhow::Result<f64> {
    let mut restore = Command::new("iptables-nft-restore");
    restore.arg("--noflush").stdin(File::open(file)?);
    let began = Instant::now();
    ensure!(run(&mut restore)?, "iptables-nft-restore failed");
    Ok(ms(began.elapsed()))
}

fn run(command: &mut Command) -> anyhow::Result<bool> {
    let shown = format!("{command:?}");
    Ok(command.status().context(shown)?.success())
}

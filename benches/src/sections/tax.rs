//! What others pay for us: for being listened to, and for a repair.
mod beside;
mod repair;
mod series;

use crate::args::Args;
use crate::result::{Measured, Plot};
use crate::world::{Element, Programs};
use anyhow::ensure;
use chainkeeper_contract::testing::big_restore;
use nix::sys::resource::UsageWho;
use series::{Series, Taxed};
use std::fs::File;
use std::path::Path;

/// Rules of a restore, and rounds of it.
const RESTORES: [(usize, usize); 2] = [(20_000, 12), (50_000, 10)];
const UPDATES: usize = 1_000;
const ROUNDS: usize = 20;

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let mut out = Measured {
        name: "tax".into(),
        title: "What others pay for us".into(),
        about: "Writers while nobody listens, twice: their difference is the noise. Then beside\n\
                the service, which is told of commits or asks for them, and beside `nft monitor`\n\
                as another listener. The chains are always there. Each round has all five, in\n\
                another order, each in a new network namespace. CPU is the writer's, user and\n\
                system; x is the median of the rounds' ratios to \"nobody\"; own is the CPU time\n\
                of the listener."
            .into(),
        ..Measured::default()
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules");
    for (rules, rounds) in RESTORES {
        let rules = if args.quick { rules / 10 } else { rules };
        std::fs::write(&file, big_restore(rules))?;
        let file = file.clone();
        let series = Series::run(args.rounds(rounds), move || restore(&file))?;
        let what = format!("{},000 rules", rules / 1000);
        out.tables.push(series.table(&format!("restore of {what}"), "ms"));
        out.targets.push(series.target(&format!("restore of {what}")));
        // In the end that of the longest.
        out.plots = vec![Plot::Bars {
            name: "tax".into(),
            title: format!("CPU time of iptables-nft-restore, {what}"),
            unit: "ms".into(),
            bars: series.bars(),
        }];
    }
    let series = Series::run(args.rounds(ROUNDS), updates)?.scaled(1e3 / UPDATES as f64);
    out.tables.push(series.table("one update of a set", "us"));
    out.targets.push(series.target("update of a set"));
    out.tables.extend(repair::measure(args)?);
    Ok(out)
}

/// `iptables-nft-restore` of that file, in ms.
fn restore(file: &Path) -> anyhow::Result<Taxed> {
    let folder = tempfile::tempdir()?;
    let mut tool = Programs::new(folder.path()).command("iptables-nft-restore", "--noflush")?;
    tool.stdin(File::open(file)?);
    Taxed::of(UsageWho::RUSAGE_CHILDREN, || {
        ensure!(tool.status()?.success(), "iptables-nft-restore failed");
        Ok(())
    })
}

/// Commits by this thread, one after the other.
fn updates() -> anyhow::Result<Taxed> {
    let mut element = Element::new()?;
    let mut commits = || (0..UPDATES).try_for_each(|_| element.change());
    commits()?; // warm
    Taxed::of(UsageWho::RUSAGE_THREAD, commits)
}

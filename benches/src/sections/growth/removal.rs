//! What a removal costs beside the rules of others.
use crate::args::Args;
use crate::result::{Row, Table};
use crate::samples::{Samples, timed};
use crate::world::{Programs, alone, chainkeeper, succeeds};
use anyhow::ensure;
use std::fmt::Write as _;

const FOREIGN: [usize; 3] = [0, 10_000, 50_000];
const ROUNDS: usize = 10;

/// What somebody else's rules do.
#[derive(Debug, Clone, Copy)]
enum Others {
    /// They have nothing to do with our chains.
    Apart,
    /// They need our mark chain, as those of kube-proxy do.
    Marking,
}

impl Others {
    const EACH: [Others; 2] = [Others::Apart, Others::Marking];

    fn words(self) -> &'static str {
        match self {
            Others::Apart => "others' rules",
            Others::Marking => "others' rules that mark by ours",
        }
    }

    /// So many rules, each in a chain of its own, as kube-proxy has one for each endpoint.
    fn text(self, rules: usize) -> String {
        let to = match self {
            Others::Apart => "RETURN",
            Others::Marking => "KUBE-MARK-MASQ",
        };
        let mut text = String::from("*nat\n");
        for n in 0..rules {
            let _ = writeln!(text, ":KUBE-SEP-{n:016X} - [0:0]");
        }
        for n in 0..rules {
            let (a, b) = (n / 250, n % 250);
            let _ = writeln!(text, "-A KUBE-SEP-{n:016X} -s 10.1.{a}.{b}/32 -j {to}");
        }
        text + "COMMIT\n"
    }
}

pub(super) fn table(args: &Args) -> anyhow::Result<Table> {
    let rounds = args.rounds(ROUNDS);
    let mut rows = Vec::new();
    for others in Others::EACH {
        let mut cells = Vec::new();
        for rules in FOREIGN {
            let samples = alone(move || removals(others, rules, rounds))?;
            cells.push(samples.p50());
        }
        rows.push(Row::numbers(others.words(), cells));
    }
    Ok(Table {
        title: "ms, `chainkeeper remove`".into(),
        columns: FOREIGN.map(|rules| crate::text::number(rules as f64)).to_vec(),
        rows,
        notes: vec![
            format!(
                "Medians of {rounds} removals, each after an apply, beside so many rules of others,"
            ),
            "each in a chain of its own in table nat. Where they mark by our chain, it stays."
                .into(),
        ],
    })
}

fn removals(others: Others, rules: usize, rounds: usize) -> anyhow::Result<Samples> {
    let folder = tempfile::tempdir()?;
    let programs = Programs::new(folder.path());
    let binary = chainkeeper()?;
    programs.apply(&binary, "nft")?;
    programs.restore("ip", "nft", &others.text(rules))?;
    let mut samples = Samples::default();
    for _ in 0..rounds {
        let mut command = programs.command(&binary, "remove --backend nft")?;
        let (ms, done) = timed(|| succeeds(&mut command));
        ensure!(done?, "chainkeeper remove failed");
        samples.add(ms);
        programs.apply(&binary, "nft")?;
    }
    Ok(samples)
}

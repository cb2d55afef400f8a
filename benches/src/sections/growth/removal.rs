//! What a removal costs beside the rules of others.
use crate::args::Args;
use crate::result::{self, Row};
use crate::samples::{Samples, timed};
use crate::world::{Programs, alone, chainkeeper, succeeds};
use anyhow::ensure;
use chainkeeper_contract::{
    Action, Backend, ChainName, Family, Place, Plan, Rule, Step, Table, Why,
};
use chainkeeper_nft::{NftBackend, Setup};

const FOREIGN: [usize; 3] = [0, 10_000, 50_000];
const ROUNDS: usize = 4;

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
    fn write(self, rules: usize) -> anyhow::Result<()> {
        let action = match self {
            Others::Apart => Action::Return,
            Others::Marking => Action::Jump("KUBE-MARK-MASQ".into()),
        };
        let name = |n: usize| ChainName::from(format!("KUBE-SEP-{n:016X}").as_str());
        let mut steps: Vec<Step> = Vec::new();
        for chain in (0..rules).map(name) {
            let (table, rule) = (Table::Nat, Rule::new(action.clone()).comment("an endpoint"));
            steps.push(Step::CreateChain { table, chain: chain.clone() });
            let (remove, insert, new) = (vec![], vec![rule], vec![true]);
            let (place, why) = (Place::Last, Why::Absent);
            steps.push(Step::Rewrite { table, chain, remove, insert, new, place, why });
        }
        let plan = Plan { generation: None, families: [(Family::Ipv4, steps)].into() };
        for result in NftBackend::open(Setup::default())?.apply(&plan)?.families.into_values() {
            result?;
        }
        Ok(())
    }
}

pub(super) fn table(args: &Args) -> anyhow::Result<result::Table> {
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
    Ok(result::Table {
        title: "ms, `chainkeeper remove`".into(),
        columns: FOREIGN.map(super::size).to_vec(),
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
    others.write(rules)?;
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

//! How much memory a process needs that keeps so many rules.
use super::shape::Shape;
use super::size;
use crate::result::{Row, Table};
use crate::world::{alone, output};
use anyhow::Context as _;
use chainkeeper_contract::{Backend, Options, Plan, Scope, diff};
use chainkeeper_nft::netlink::Encoder;
use chainkeeper_nft::{NftBackend, Setup};
use std::fs;
use std::str::FromStr;

/// A process that does one pass and says how much memory it needed at most.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    shape: Shape,
    rules: usize,
}

impl FromStr for Child {
    type Err = String;

    fn from_str(words: &str) -> Result<Child, String> {
        let (shape, rules) = words.split_once(',').ok_or("SHAPE,RULES")?;
        let shape = Shape::EACH.into_iter().find(|s| s.name() == shape).ok_or("no such shape")?;
        Ok(Child { shape, rules: rules.parse().map_err(|_| "no number")? })
    }
}

impl Child {
    /// Prints its VmHWM in KiB.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let Child { shape, rules } = *self;
        alone(move || pass(shape, rules))?;
        println!("{}", highest()?);
        Ok(())
    }
}

/// Looks, writes everything, looks again.
fn pass(shape: Shape, rules: usize) -> anyhow::Result<()> {
    let want = shape.ruleset(rules);
    let scope = Scope::of([&want]);
    let mut backend = NftBackend::open(Setup { encoder: Encoder::Pure, ..Setup::default() })?;
    for _ in 0..2 {
        let mut seen = backend.observe(&scope)?;
        let family = seen.families.remove(&want.family).context("the family was not read")??;
        let steps = diff(&want, &family, Options::default()).steps;
        let plan = Plan { generation: seen.generation, families: [(want.family, steps)].into() };
        for result in backend.apply(&plan)?.families.into_values() {
            result?;
        }
    }
    Ok(())
}

fn highest() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.context("no VmHWM")?;
    Ok(words.trim().trim_end_matches(" kB").parse()?)
}

/// At these sizes.
pub(super) fn table(sizes: &[usize]) -> anyhow::Result<Table> {
    let bench = std::env::current_exe()?;
    let program = bench.to_str().context("the path of this program")?;
    let mut rows = Vec::new();
    for shape in Shape::EACH {
        let mut peaks: Vec<(usize, f64)> = Vec::new();
        for rules in sizes {
            let child = format!("--child={},{rules}", shape.name());
            peaks.push((*rules, output(program, &[&child])?.trim().parse()?));
        }
        let words = shape.words();
        rows.push(Row::numbers(format!("MiB, {words}"), peaks.iter().map(|(_, kib)| kib / 1024.0)));
        let (few, least) = *peaks.first().context("no size")?;
        let each = peaks.iter().map(|(rules, kib)| (kib - least) / (rules - few) as f64);
        rows.push(Row::numbers(format!("KiB more a rule, {words}"), each));
    }
    Ok(Table {
        title: "memory at most".into(),
        columns: sizes.iter().map(|rules| size(*rules)).collect(),
        rows,
        notes: vec!["VmHWM of a process of its own that looks, writes all and looks again.".into()],
    })
}

//! How it grows: ten of our own rules to ten thousand, each part of a pass on its own.
mod memory;
mod removal;
mod shape;
mod stages;

pub(crate) use memory::Child;

use self::shape::{SIZES, Shape};
use self::stages::Figures;
use crate::args::Args;
use crate::result::{Line, Measured, Plot, Row, Table, Target, Who};
use crate::samples::Samples;
use crate::text::number;
use crate::world::{Programs, alone};
use chainkeeper_legacy::{LegacyBackend, Tools};

/// So many rules of each size are measured, in as many rounds as that makes.
const RULES: usize = 20_000;
const MOST_ROUNDS: usize = 100;
/// The legacy tools take longer, and look a rule up by going through its chain.
const LEGACY_RULES: usize = 10_000;
const LEGACY_MOST: usize = 3_000;

/// What the largest size is compared with.
const FEW: usize = 1_000;
/// A rule that costs more than so often what it costs among few is no longer in proportion.
const PROPORTION: f64 = 1.5;

/// A part of a pass, at every size.
struct Part {
    name: String,
    /// Microseconds for each rule.
    at: Vec<(usize, Samples)>,
}

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let mut measured = Measured {
        name: "growth".into(),
        title: "How it grows with our own rules".into(),
        about: "Rules of one family, each with a source, a comment and a mark, in one chain or\n\
                in chains of ten with a jump to each. Every round is a new network namespace.\n\
                Where a line is flat, time grows with the number of rules and no faster. A\n\
                floor is the kernel's share: the same batch, encoded beforehand, just sent. It\n\
                looks a rule up by going through its chain: many of one chain take long to go."
            .into(),
        ..Measured::default()
    };
    for shape in Shape::EACH {
        let parts = parts(args, RULES, sizes(args, usize::MAX), |rules| {
            let want = shape.ruleset(rules);
            alone(move || stages::nft(&want))
        })?;
        measured.tables.push(table(&format!("nft, {}", shape.words()), &parts));
        measured.plots.push(plot(shape, &parts));
        measured.targets.extend(targets(shape, &parts));
    }
    for shape in Shape::EACH {
        let sizes = sizes(args, LEGACY_MOST);
        let parts = parts(args, LEGACY_RULES, sizes, |rules| alone(move || legacy(shape, rules)))?;
        measured.tables.push(table(&format!("legacy, {}", shape.words()), &parts));
    }
    measured.tables.push(memory::table(&sizes(args, usize::MAX))?);
    measured.tables.push(removal::table(args)?);
    Ok(measured)
}

/// As tables and targets show it.
fn size(rules: usize) -> String {
    match rules {
        0..1_000 => rules.to_string(),
        _ => number(rules as f64),
    }
}

/// Up to `most`; a quick run leaves out the largest of them.
fn sizes(args: &Args, most: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = SIZES.into_iter().filter(|size| *size <= most).collect();
    if args.quick {
        sizes.pop();
    }
    sizes
}

fn legacy(shape: Shape, rules: usize) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let tools = chainkeeper_legacy::Setup::with(Tools::find());
    let lock = Programs::new(folder.path()).lock();
    let mut backend = LegacyBackend::open(chainkeeper_legacy::Setup { lock, ..tools })?;
    stages::legacy(&shape.ruleset(rules), &mut backend)
}

/// Every part at every size; a round does all sizes in turn.
fn parts(
    args: &Args,
    rules: usize,
    sizes: Vec<usize>,
    once: impl Fn(usize) -> anyhow::Result<Figures>,
) -> anyhow::Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for round in 0..args.rounds(MOST_ROUNDS) {
        for size in sizes.iter().filter(|size| round < args.rounds(rules / **size)) {
            for (name, ms) in once(*size)? {
                part(&mut parts, &name, &sizes).add(*size, ms * 1e3 / *size as f64);
            }
        }
    }
    Ok(parts)
}

fn part<'a>(parts: &'a mut Vec<Part>, name: &str, sizes: &[usize]) -> &'a mut Part {
    let at = parts.iter().position(|part| part.name == name).unwrap_or(parts.len());
    if at == parts.len() {
        let at = sizes.iter().map(|size| (*size, Samples::default())).collect();
        parts.push(Part { name: name.to_owned(), at });
    }
    &mut parts[at]
}

impl Part {
    fn add(&mut self, rules: usize, us: f64) {
        let at = self.at.iter_mut().filter(|(size, _)| *size == rules);
        at.for_each(|(_, samples)| samples.add(us));
    }

    fn p50(&self, rules: usize) -> f64 {
        let at = self.at.iter().find(|(size, _)| *size == rules);
        at.map_or(f64::NAN, |(_, samples)| samples.p50())
    }

    fn most(&self) -> usize {
        self.at.last().map_or(0, |(size, _)| *size)
    }

    /// What a rule costs at the largest size, in what it costs among few.
    fn growth(&self) -> f64 {
        self.p50(self.most()) / self.p50(FEW)
    }
}

fn table(title: &str, parts: &[Part]) -> Table {
    let sizes = parts.first().map_or(&[][..], |part| &part.at);
    let columns = sizes.iter().map(|(rules, _)| size(*rules));
    let row = |part: &Part| {
        let cells = part.at.iter().map(|(_, samples)| samples.p50());
        Row::numbers(&part.name, cells.chain([part.growth()]))
    };
    Table {
        title: "us per rule".into(),
        columns: columns.chain(["ratio".into()]).collect(),
        rows: parts.iter().map(row).collect(),
        notes: vec![
            format!("{title}; medians."),
            "Ratio: the last column by that of 1,000; 1 is in proportion.".into(),
        ],
    }
}

/// What is a pass: the other parts are in the table.
const PLOTTED: [&str; 5] =
    ["encode, pure", "commit", "observe", "diff: in sync", "diff: all missing"];

fn plotted(parts: &[Part]) -> impl Iterator<Item = &Part> {
    parts.iter().filter(|part| PLOTTED.contains(&part.name.as_str()))
}

fn plot(shape: Shape, parts: &[Part]) -> Plot {
    let line = |part: &Part| Line {
        name: part.name.clone(),
        who: Who::Ours,
        points: part.at.iter().map(|(size, us)| (*size as f64, us.p50())).collect(),
    };
    Plot::Lines {
        name: format!("growth-{}", shape.name()),
        title: format!("Time for each of our rules, {}", shape.words()),
        x: "rules".into(),
        y: "us per rule".into(),
        lines: plotted(parts).map(line).collect(),
    }
}

fn targets(shape: Shape, parts: &[Part]) -> Vec<Target> {
    let target = |part: &Part| {
        let (most, few) = (size(part.most()), size(FEW));
        let what = format!("{most}/{few}, {}: {}", shape.words(), part.name);
        Target::at_most(&what, part.growth(), PROPORTION, "x")
    };
    plotted(parts).map(target).collect()
}

//! How it grows: ten of our own rules to ten thousand, each part of a pass on its own.
mod memory;
mod removal;
mod shape;
mod stages;

pub(crate) use memory::Child;

use self::shape::{SIZES, Shape};
use self::stages::Figures;
use crate::args::Args;
use crate::result::{Cell, Line, Measured, Plot, Row, Table, Target, Who};
use crate::samples::Samples;
use crate::world::{Programs, alone};
use chainkeeper_legacy::{LegacyBackend, Tools};

/// Rules that are measured of each size, in as many rounds as that makes.
const RULES: usize = 30_000;
const MOST_ROUNDS: usize = 100;

/// Half as many again for each rule as a tenth of them need: no longer in proportion.
const PROPORTION: f64 = 1.5;
/// The sizes that the proportion is taken of.
const FEW: usize = 1_000;

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
        about: "10 to 10,000 rules of one family, each with a source, a comment and a mark, in one chain\n\
                or in chains of ten with a jump to each. Every round is a new network namespace. Where\n\
                a line is flat, time grows with the rules alone. A floor is the kernel's share: the\n\
                same batch, encoded beforehand, just sent."
            .into(),
        ..Measured::default()
    };
    for shape in Shape::EACH {
        let parts = parts(args, usize::MAX, move |rules| {
            let want = shape.ruleset(rules);
            alone(move || stages::nft(&want))
        })?;
        measured.tables.push(table(&format!("nft, {}", shape.words()), &parts));
        measured.plots.push(plot(shape, &parts));
        measured.targets.extend(targets(shape, &parts));
    }
    for shape in Shape::EACH {
        let parts = parts(args, LEGACY_MOST, move |rules| alone(move || legacy(shape, rules)))?;
        measured.tables.push(table(&format!("legacy, {}", shape.words()), &parts));
    }
    measured.tables.push(memory::table(args)?);
    measured.tables.push(removal::table(args)?);
    Ok(measured)
}

/// The tools themselves look a rule up by going through its chain.
const LEGACY_MOST: usize = 3_000;

fn legacy(shape: Shape, rules: usize) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let tools = chainkeeper_legacy::Setup::with(Tools::find());
    let lock = Programs::new(folder.path()).lock();
    let mut backend = LegacyBackend::open(chainkeeper_legacy::Setup { lock, ..tools })?;
    stages::legacy(&shape.ruleset(rules), &mut backend)
}

/// Every part at every size up to `most`; a round does all sizes in turn.
fn parts(
    args: &Args,
    most: usize,
    once: impl Fn(usize) -> anyhow::Result<Figures>,
) -> anyhow::Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    let sizes: Vec<usize> = SIZES.into_iter().filter(|size| *size <= most).collect();
    for round in 0..args.rounds(MOST_ROUNDS) {
        for rules in sizes.iter().filter(|size| round < args.rounds(RULES / **size)) {
            for (name, ms) in once(*rules)? {
                let us = ms * 1e3 / *rules as f64;
                part(&mut parts, &name, &sizes).add(*rules, us);
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

    /// What a rule costs at the largest size, in what it costs among few.
    fn growth(&self) -> f64 {
        let most = self.at.last().map_or(0, |(size, _)| *size);
        self.p50(most) / self.p50(FEW)
    }
}

fn table(title: &str, parts: &[Part]) -> Table {
    let sizes = parts.first().map_or(&[][..], |part| &part.at);
    let columns = sizes.iter().map(|(size, _)| crate::text::number(*size as f64));
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
        let what = format!("10,000 by 1,000 rules, {}: {}", shape.words(), part.name);
        Target::at_most(&what, part.growth(), PROPORTION, "x")
    };
    plotted(parts).map(target).collect()
}

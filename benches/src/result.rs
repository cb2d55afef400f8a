//! What a run came to, as data: the tables, plots and JSON are made from this alone.
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A run of some sections.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Kernel, processor, tools.
    pub(crate) machine: String,
    /// How to make it again.
    pub(crate) command: String,
    pub(crate) sections: Vec<Measured>,
}

/// What a section has measured.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) title: String,
    /// How it was measured: lines of at most 80 columns.
    pub(crate) about: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) plots: Vec<Plot>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    /// Above the names of rows: what the figures are, with their unit.
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// Below the table.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

/// Numbers are shown with three digits; `null` in JSON where there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Number(Option<f64>),
    Text(String),
}

/// A ratio or a figure, and what it was to be at most or at least.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) limit: Limit,
    /// `x` for a ratio.
    pub(crate) unit: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// A picture. `name` is its file's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plot {
    /// Horizontal, on a logarithmic scale: p50, with a whisker up to p99.
    Bars { name: String, title: String, unit: String, bars: Vec<Bar> },
    /// Both axes logarithmic.
    Lines { name: String, title: String, x: String, y: String, lines: Vec<Line> },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) who: Who,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) who: Who,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Whose figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    Ours,
    Theirs,
    /// What nobody can be faster than.
    Floor,
}

impl Run {
    pub(crate) fn plots(&self) -> impl Iterator<Item = &Plot> {
        self.sections.iter().flat_map(|section| &section.plots)
    }

    pub(crate) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub(crate) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join("run.json");
        std::fs::write(&file, self.json()?).with_context(|| file.display().to_string())
    }
}

impl Plot {
    /// Its file's, without `.svg`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Plot::Bars { name, .. } | Plot::Lines { name, .. } => name,
        }
    }

    pub(crate) fn title(&self) -> &str {
        match self {
            Plot::Bars { title, .. } | Plot::Lines { title, .. } => title,
        }
    }
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, cells: impl IntoIterator<Item = Cell>) -> Row {
        Row { name: name.into(), cells: cells.into_iter().collect() }
    }

    pub(crate) fn numbers(name: impl Into<String>, of: impl IntoIterator<Item = f64>) -> Row {
        Row::new(name, of.into_iter().map(Cell::from))
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Cell {
        Cell::Number(number.is_finite().then_some(number))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl Target {
    pub(crate) fn at_most(what: &str, measured: f64, limit: f64, unit: &str) -> Target {
        Target { what: what.into(), measured, limit: Limit::AtMost(limit), unit: unit.into() }
    }

    pub(crate) fn at_least(what: &str, measured: f64, limit: f64, unit: &str) -> Target {
        Target { what: what.into(), measured, limit: Limit::AtLeast(limit), unit: unit.into() }
    }

    pub(crate) fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.measured <= limit,
            Limit::AtLeast(limit) => self.measured >= limit,
        }
    }
}

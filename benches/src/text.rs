//! Results for a terminal of 80 columns.
use crate::result::{Cell, Limit, Measured, Run, Table};
use std::fmt::Write as _;

/// A section with its tables.
pub(crate) fn section(section: &Measured) -> String {
    let mut out = format!("{}\n{}\n", section.title, "-".repeat(section.title.chars().count()));
    let _ = writeln!(out, "{}\n", section.about.trim_end());
    for one in &section.tables {
        let _ = writeln!(out, "{}", table(one));
    }
    out
}

fn table(table: &Table) -> String {
    let names = table.rows.iter().map(|r| r.name.chars().count());
    let first = names.chain([table.title.chars().count()]).max().unwrap_or_default();
    let cells: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.cells.iter().map(cell).collect()).collect();
    let width = |nth: usize, head: &String| {
        let of = |row: &Vec<String>| row.get(nth).map_or(0, |cell| cell.chars().count());
        cells.iter().map(of).chain([head.chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = table.columns.iter().enumerate().map(|(n, h)| width(n, h)).collect();
    let line = |name: &str, cells: &[String]| {
        let mut out = format!("{name:first$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(out, "  {cell:>width$}");
        }
        out.trim_end().to_owned() + "\n"
    };
    let mut out = line(&table.title, &table.columns);
    for (row, cells) in table.rows.iter().zip(&cells) {
        out += &line(&row.name, cells);
    }
    for note in &table.notes {
        let _ = writeln!(out, "{note}");
    }
    out
}

/// What was to be reached, and whether it was.
pub(crate) fn targets(run: &Run) -> String {
    let mut out = String::from("Targets\n-------\n");
    for target in run.sections.iter().flat_map(|section| &section.targets) {
        let (word, limit) = match target.limit {
            Limit::AtMost(limit) => ("at most", limit),
            Limit::AtLeast(limit) => ("at least", limit),
        };
        let met = if target.is_met() { "met   " } else { "MISSED" };
        let (is, limit, unit) = (number(target.measured), number(limit), &target.unit);
        let _ = writeln!(out, "{met}  {:46} {is}{unit}, {word} {limit}{unit}", target.what);
    }
    out
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Number(Some(value)) => number(*value),
        Cell::Number(None) => "-".into(),
        Cell::Text(text) => text.clone(),
    }
}

/// Three digits, and a comma for each thousand.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 999.5 {
        return thousands(value.round() as i64);
    }
    let digits = match size {
        _ if size == 0.0 => 0,
        _ if size < 0.0995 => 4,
        _ if size < 0.9995 => 3,
        _ if size < 9.995 => 2,
        _ if size < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if value < 0 { format!("-{out}") } else { out }
}

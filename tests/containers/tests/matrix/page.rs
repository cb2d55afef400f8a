//! The table in docs/containers.md.
use super::OPERATIONS;
use super::rows::Row;
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- matrix: made by `UPDATE_DOCS=1 make image-test` -->\n";
const END: &str = "<!-- end of the matrix -->\n";

/// What came of one row in one engine.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) row: Row,
    pub(crate) engine: &'static str,
    pub(crate) cells: [String; 5],
    /// It came out otherwise than it should, or without the line that mends it.
    pub(crate) wrong: Option<String>,
}

/// Writes the page anew, or compares.
pub(crate) fn write(lines: &[Line]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/containers.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the mark");
    let (old, after) = rest.split_once(END).expect("the page has the mark of the end");
    let new = table(lines);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{new}{END}{after}")).unwrap();
    } else {
        let lag = "docs/containers.md lags: UPDATE_DOCS=1 make image-test";
        for (old, new) in old.lines().zip(new.lines()) {
            assert_eq!(old, new, "{lag}");
        }
        assert_eq!(old.lines().count(), new.lines().count(), "{lag}");
    }
}

fn table(lines: &[Line]) -> String {
    let mut text = format!("| backend | how | engine | {} |\n", OPERATIONS.join(" | "));
    text += "|---|---|---|---|---|---|---|---|\n";
    for of in keys(lines) {
        let all: Vec<&Line> = lines.iter().filter(|line| key(line) == of).collect();
        let mut told: Vec<&[String; 5]> = Vec::new();
        for Line { cells, .. } in &all {
            if told.contains(&cells) {
                continue;
            }
            told.push(cells);
            let alike = all.iter().filter(|other| other.cells == *cells);
            let alike: Vec<&str> = alike.map(|line| line.engine).collect();
            let engines = if alike.len() == 3 { "each".to_owned() } else { alike.join(", ") };
            let (backend, what) = of;
            let _ = writeln!(text, "| {backend} | {what} | {engines} | {} |", cells.join(" | "));
        }
    }
    text + &mended(lines)
}

/// What it says where something is missing.
fn mended(lines: &[Line]) -> String {
    let mut text = "\n| backend | how | it says |\n|---|---|---|\n".to_owned();
    for of in keys(lines) {
        let yaml = lines.iter().find(|line| key(line) == of).map_or(&[][..], |line| line.row.yaml);
        if !yaml.is_empty() {
            let _ = writeln!(text, "| {} | {} | `{}` |", of.0, of.1, yaml.join("`<br>`"));
        }
    }
    text
}

/// Each row once, in order.
fn keys(lines: &[Line]) -> Vec<(&'static str, &'static str)> {
    let mut keys: Vec<_> = Vec::new();
    for key in lines.iter().map(key) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn key(line: &Line) -> (&'static str, &'static str) {
    (line.row.backend.name(), line.row.what)
}

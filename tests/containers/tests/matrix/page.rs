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
        assert_eq!(old, new, "docs/containers.md lags: UPDATE_DOCS=1 make image-test");
    }
}

fn table(lines: &[Line]) -> String {
    let mut text = format!("| backend | how | engine | {} |\n", OPERATIONS.join(" | "));
    text += "|---|---|---|---|---|---|---|---|\n";
    let mut told = Vec::new();
    for line in lines {
        let same = |other: &&Line| key(other) == key(line);
        let way = (key(line), line.cells.clone());
        if told.contains(&way) {
            continue;
        }
        let all: Vec<&Line> = lines.iter().filter(same).collect();
        let alike: Vec<&str> =
            all.iter().filter(|o| o.cells == line.cells).map(|o| o.engine).collect();
        let engines = if alike.len() == 3 { "each".to_owned() } else { alike.join(", ") };
        let (backend, what) = key(line);
        let _ = writeln!(text, "| {backend} | {what} | {engines} | {} |", line.cells.join(" | "));
        told.push(way);
    }
    text + &mended(lines)
}

/// What it says where something is missing.
fn mended(lines: &[Line]) -> String {
    let mut text = "\n| backend | how | it says |\n|---|---|---|\n".to_owned();
    let mut told = Vec::new();
    for line in lines.iter().filter(|line| !line.row.yaml.is_empty()) {
        if !told.contains(&key(line)) {
            let (backend, what) = key(line);
            let yaml = line.row.yaml.join("`<br>`");
            let _ = writeln!(text, "| {backend} | {what} | `{yaml}` |");
            told.push(key(line));
        }
    }
    text
}

fn key(line: &Line) -> (&'static str, &'static str) {
    (line.row.backend.name(), line.row.what)
}

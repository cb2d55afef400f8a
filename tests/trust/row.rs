//! A row of docs/trust.md: what was tried, and what became of it.
use std::path::PathBuf;

/// What was tried how often, and what was lost of it.
#[derive(Debug)]
pub(super) struct Row {
    /// One line for a reader, the same in each run: no figures.
    what: &'static str,
    /// Of what there are so many: "kills", "writes".
    unit: &'static str,
    tried: usize,
    lost: Vec<String>,
}

impl Row {
    pub(super) fn new(what: &'static str, unit: &'static str) -> Row {
        Row { what, unit, tried: 0, lost: Vec::new() }
    }

    /// So many more were tried.
    pub(super) fn tried(&mut self, more: usize) {
        self.tried += more;
    }

    /// One of them was lost: which, and how it showed.
    pub(super) fn lost(&mut self, how: impl Into<String>) {
        self.lost.push(how.into());
    }

    /// One more was tried; lost if not `survived`.
    pub(super) fn one(&mut self, survived: bool, how: impl FnOnce() -> String) {
        self.tried(1);
        if !survived {
            self.lost(how());
        }
    }

    /// Writes the row, with figures of this run in `notes`. Fails the test if anything was lost, or nothing tried.
    pub(super) fn end(self, notes: &str) {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let test = name.strip_prefix("trust::").expect("on the test's own thread");
        let section = test.split("::").next().expect("a first part");
        let Row { what, unit, tried, lost } = self;
        let fields =
            [section, what, &tried.to_string(), unit, &lost.len().to_string(), notes, test];
        assert!(!fields.concat().contains(['\t', '\n', '|']), "{fields:?}");
        let line = fields.join("\t") + "\n";
        print!("{line}");
        if let Some(folder) = std::env::var_os("TRUST_ROWS") {
            let file = format!("{section}.{}", what.replace([' ', '/'], "_"));
            std::fs::write(PathBuf::from(folder).join(file), line).expect("rows can be written");
        }
        assert!(tried > 0, "{what}: nothing was tried");
        assert!(
            lost.is_empty(),
            "{what}: {} of {tried} {unit} lost\n{}",
            lost.len(),
            lost.join("\n")
        );
    }
}

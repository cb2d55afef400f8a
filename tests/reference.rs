//! The pages made from the program's own tables must not lag.
use chainkeeper::messages;
use std::path::Path;

fn is_up_to_date(file: &str, page: &str) {
    let path = format!("{}/docs/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/{file} lags: run `make docs`");
}

#[test]
fn the_reference_page_is_what_the_program_says() {
    is_up_to_date("reference.md", &chainkeeper::reference::page());
}

#[test]
fn the_page_of_metrics_is_what_is_served() {
    is_up_to_date("metrics.md", &chainkeeper::metrics::documented());
}

const BELOW: &str = "<!-- messages: made from the program's own tables by `make docs` -->\n";

#[test]
fn the_operating_page_has_every_message() {
    let path = format!("{}/docs/operating.md", env!("CARGO_MANIFEST_DIR"));
    let found = std::fs::read_to_string(path).expect("the page");
    let (hand, _) = found.split_once(BELOW).expect("a place for the messages");
    is_up_to_date("operating.md", &format!("{hand}{BELOW}{}", messages::page()));
}

/// Every source of the service, with words that go on in the next line joined.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, all: &mut Vec<(String, String)>) {
        for file in std::fs::read_dir(folder).expect("a folder") {
            let path = file.expect("a file").path();
            if path.is_dir() {
                walk(&path, all);
            } else if !path.ends_with("messages.rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                let mut parts = text.split("\\\n");
                let first = parts.next().unwrap_or_default().to_owned();
                let joined = parts.fold(first, |all, part| all + part.trim_start());
                all.push((path.display().to_string(), joined));
            }
        }
    }
    let mut all = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all
}

#[test]
fn every_message_of_the_table_is_said_somewhere_and_every_warning_is_in_it() {
    let sources = sources();
    let rows: Vec<_> =
        messages::JOURNAL.iter().chain(&messages::PROBLEMS).chain(&messages::COMMANDS).collect();
    for row in &rows {
        let said = sources.iter().any(|(_, text)| text.contains(row.words));
        assert!(said, "nobody says `{}`", row.words);
    }
    let mut found = 0;
    for (path, text) in &sources {
        for rest in text.split(" warn!(").chain(text.split(" error!(")).skip(1) {
            let literal = rest.trim_start().strip_prefix('"').and_then(|r| r.split('"').next());
            // What is only handed on has its own table: errors (`advice`), or is said where it is made.
            let Some(literal) = literal.filter(|text| !text.starts_with('{')) else { continue };
            found += 1;
            let known = rows.iter().any(|row| literal.contains(row.words));
            assert!(known, "{path}: `{literal}` is not in src/messages.rs");
        }
    }
    assert!(found >= 6, "{found}");
    // Each is made in one place.
    let complaints: usize =
        sources.iter().map(|(_, text)| text.matches("creen.complain(").count()).sum();
    assert_eq!(
        complaints,
        messages::COMMANDS.len(),
        "an error of a command has no row, or none a row"
    );
}

//! What is written in two places, and would be true in one of them only.
use super::{code, pages, root};
use chainkeeper::cli::Cli;
use chainkeeper::config::{Settings, parse};
use chainkeeper::metrics::TABLE;
use chainkeeper::reference::{ENVIRONMENT, FILES};
use chainkeeper::{advice, exit};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use std::collections::BTreeSet;
use std::path::Path;

/// `chainkeeper ...` within a line, as people write it in a sentence.
fn commands_in(text: &str) -> BTreeSet<String> {
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.filter_map(|span| span.strip_prefix("chainkeeper ")).map(str::to_owned).collect()
}

fn assert_parses<'a>(whose: &str, words: impl Iterator<Item = &'a str>) {
    let words: Vec<&str> = std::iter::once("chainkeeper").chain(words).collect();
    let Err(error) = Cli::try_parse_from(&words) else { return };
    // Those that show something else, and a group of commands by its name.
    let shows = [
        ErrorKind::DisplayHelp,
        ErrorKind::DisplayVersion,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    assert!(shows.contains(&error.kind()), "{whose}: `{}`: {error}", words.join(" "));
}

#[test]
fn every_command_in_a_sentence_can_be_typed() {
    let mut seen = 0;
    let code = code().into_iter().map(|(name, text)| (root().join(name), text));
    for (path, text) in pages().into_iter().chain(code) {
        for words in commands_in(&text).iter().filter(|words| !words.contains(['{', '.', '<'])) {
            assert_parses(&path.display().to_string(), words.split_whitespace());
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

/// Every file below.
fn below(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            below(&path, all);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            all.push((path.display().to_string(), text));
        }
    }
}

/// In units, manifests and images; and their settings.
#[test]
fn what_is_packaged_starts_it_by_words_and_settings_that_there_are() {
    let (mut all, mut seen) = (vec![], 0);
    for folder in ["packaging", "docker"] {
        below(&root().join(folder), &mut all);
    }
    for (path, text) in &all {
        if path.ends_with("config.toml") {
            let settings = parse(path, text).unwrap_or_else(|e| panic!("{e}"));
            settings.check().unwrap_or_else(|e| panic!("{path}: {e}"));
        }
        for line in text.lines().map(str::trim) {
            let list = ["args: [", "command: [/chainkeeper, "]
                .into_iter()
                .find_map(|start| line.strip_prefix(start)?.strip_suffix("]"));
            if let Some(words) = list {
                assert_parses(path, words.split(", "));
                seen += 1;
            }
            if let Some(words) = line.strip_prefix("ExecStart=/usr/bin/chainkeeper ") {
                assert_parses(path, words.split_whitespace());
                seen += 1;
            }
        }
    }
    assert!(seen > 8, "{seen}");
}

/// The names in a table, each between commas.
fn names(table: &[(&'static str, &'static str)]) -> BTreeSet<&'static str> {
    table.iter().flat_map(|(name, _)| name.split(", ")).collect()
}

/// By name in the code, or by a library that it uses.
#[test]
fn what_is_read_of_the_environment_is_told() {
    let told = names(ENVIRONMENT);
    let (mut read, mut quoted) = (BTreeSet::new(), BTreeSet::new());
    for (_, text) in code() {
        for way in ["env::var(\"", "var_os(\""] {
            let names = text.split(way).skip(1).filter_map(|rest| rest.split('"').next());
            read.extend(names.map(str::to_owned));
        }
        quoted.extend(text.split('"').map(str::to_owned));
    }
    assert!(read.len() > 5, "{read:?}");
    read.iter().for_each(|name| assert!(told.contains(&**name), "{name} is not told of"));
    let of_libraries = ["NO_COLOR", "WATCHDOG_USEC", "CHAINKEEPER_SETTLE and the like"];
    for name in told.iter().filter(|name| !of_libraries.contains(name)) {
        assert!(quoted.contains(*name), "nobody reads {name}");
    }
}

#[test]
fn files_are_where_the_pages_say() {
    let defaults = Settings::defaults();
    let files = names(FILES);
    for (variable, path) in
        [("STATE_DIRECTORY", defaults.state_file), ("RUNTIME_DIRECTORY", defaults.socket)]
    {
        let path = path.expect("a default").display().to_string();
        assert!(std::env::var_os(variable).is_some() || files.contains(&*path), "{path}");
    }
    assert!(files.contains(chainkeeper::config::DEFAULT));
    let page = std::fs::read_to_string(root().join("docs/operating.md")).expect("the page");
    let on_every_host = files.iter().filter(|file| !file.contains("/examples/"));
    on_every_host.for_each(|file| assert!(page.contains(&format!("| `{file}` |")), "{file}"));
}

/// `--help` and the page made of it name defaults in words.
#[test]
fn the_defaults_in_the_help_are_those_that_count() {
    let cli = Cli::command();
    for (key, value) in toml::Table::try_from(Settings::defaults()).expect("TOML") {
        // Of these the words say more.
        if ["socket", "state-file"].contains(&&*key) {
            continue;
        }
        let arg = cli.get_arguments().find(|arg| arg.get_long() == Some(&*key)).expect("an option");
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(
            help.ends_with(&format!("[default: {value}]")),
            "--{key}: {help}, and it is {value}"
        );
    }
}

#[test]
fn metrics_and_exit_codes_on_the_pages_are_those_that_there_are() {
    let mut seen = 0;
    for (path, text) in pages() {
        let metrics = text.split('`').filter(|span| span.starts_with("chainkeeper_"));
        for span in metrics {
            let is_name = |c: &char| c.is_ascii_lowercase() || *c == '_';
            let name: String = span.chars().take_while(is_name).collect();
            let is_crate =
                name.strip_prefix("chainkeeper_").map(|crate_| format!("backends/{crate_}"));
            let known = TABLE.iter().any(|row| row.name == name)
                || is_crate.is_some_and(|folder| root().join(folder).exists());
            assert!(known || name.ends_with('_'), "{}: nobody serves {name}", path.display());
            seen += 1;
        }
        for rest in text.split("exit code ").skip(1) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let Ok(code) = digits.parse::<u8>() else { continue };
            assert!(exit::TABLE.iter().any(|(c, _)| *c == code), "{}: {code}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

/// A row outside of its table would be used and on no page.
#[test]
fn every_row_is_in_its_table() {
    let code = code();
    let rows = |file: &str, row: &str| {
        let (_, text) = code.iter().find(|(name, _)| name == file).expect("the table");
        let is_item = |line: &str| ["const ", "static "].iter().any(|item| line.contains(item));
        text.lines().filter(|line| is_item(line) && line.contains(row)).count()
    };
    assert_eq!(rows("src/advice/table.rs", ": Advice = "), advice::TABLE.len());
    assert_eq!(rows("src/advice/container.rs", ": Advice = "), advice::WARNINGS.len());
    assert_eq!(rows("src/exit.rs", ": u8 = "), exit::TABLE.len());
    let metrics = ["src/metrics/table/rows.rs", "src/metrics/table/process.rs"];
    assert_eq!(metrics.map(|file| rows(file, ": Row =")).iter().sum::<usize>(), TABLE.len());
}

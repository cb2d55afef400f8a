//! The documents: commands in them are run, settings in them are read, links in them lead somewhere.
mod drift;
mod json;

use crate::support::{Host, PROGRAM, eventually, promtool_path};
use chainkeeper::cli::Cli;
use chainkeeper::config::{Settings, parse};
use chainkeeper::metrics::TABLE;
use clap::Parser as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let folder = |path: &str| std::fs::read_dir(root().join(path)).expect("a folder");
    let files = ["", "docs", "docs/decisions"].into_iter().flat_map(folder);
    let mut pages: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("text")))
        .collect();
    pages.sort();
    assert!(pages.len() > 10);
    pages
}

/// What is typed after `$ chainkeeper`, on every page.
fn commands() -> BTreeSet<String> {
    let typed = |line: &str| {
        let words = line.trim().strip_prefix("$ chainkeeper ")?;
        Some(words.split(" 2>").next().unwrap_or_default().to_owned()) // the rest is the shell's
    };
    pages()
        .iter()
        .flat_map(|(_, text)| text.lines().filter_map(typed).collect::<Vec<_>>())
        .collect()
}

/// What does not end by itself, or is about another host.
fn endless(words: &str) -> bool {
    words.starts_with("run") || words.contains("--follow") || words.contains("--netns")
}

/// On a node where the service runs, as the pages have it.
#[test]
fn every_command_in_the_documents_can_be_typed() {
    let commands = commands();
    assert!(commands.len() > 15, "{commands:?}");
    let host = Host::new();
    let folder = host.state().with_file_name("typed");
    std::fs::create_dir(&folder).expect("a folder of our own");
    let _run = host.start(PROGRAM, "run");
    eventually("it runs", || host.ck("check --live").code == 0);
    for words in &commands {
        let all = std::iter::once("chainkeeper").chain(words.split_whitespace());
        assert!(Cli::try_parse_from(all).is_ok(), "`chainkeeper {words}` is no command");
        if endless(words) {
            continue;
        }
        let said = host.try_sh(&format!("cd '{}'; exec '{PROGRAM}' {words}", folder.display()));
        let fine = said.code <= 1 && !said.stderr.contains("error:");
        assert!(fine, "`chainkeeper {words}`: exit {}\n{}", said.code, said.stderr);
    }
}

/// The blocks of that language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let after = text.split(&fence).skip(1);
    after.filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
}

#[test]
fn every_piece_of_configuration_in_the_documents_is_good() {
    let mut seen = 0;
    for (path, text) in pages() {
        for block in blocks(&text, "toml") {
            let shown = path.display().to_string();
            let settings =
                parse(&shown, &block).unwrap_or_else(|e| panic!("{e}: {}\n{block}", e.remedy));
            settings.check().unwrap_or_else(|e| panic!("{shown}: {e}\n{block}"));
            seen += 1;
        }
    }
    assert!(seen >= 3);
}

/// As the sites where such pages are read make an address of a heading.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let address = |line: &str| -> String {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(address).collect()
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    for (path, text) in pages() {
        let folder = path.parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { folder.join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            if !anchor.is_empty() {
                let there = std::fs::read_to_string(&target).expect("a page");
                assert!(anchors(&there).contains(anchor), "{}: {link}", path.display());
            }
        }
    }
}

/// A link in an alert is of no use at night if it leads nowhere.
#[test]
fn every_alert_has_its_section() {
    let alerts = root().join("packaging/prometheus/alerts.yaml");
    let alerts = std::fs::read_to_string(alerts).expect("the alerts");
    let page = std::fs::read_to_string(root().join("docs/operating.md")).expect("the page");
    let sections = anchors(&page);
    let names: Vec<&str> =
        alerts.lines().filter_map(|l| l.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 10);
    let tested = std::fs::read_to_string(root().join("packaging/prometheus/alerts_test.yaml"));
    let tested = tested.expect("their tests");
    for section in page.lines().filter_map(|line| line.strip_prefix("### Chainkeeper")) {
        let name = format!("Chainkeeper{section}");
        assert!(names.contains(&&*name), "{name} is no alert");
    }
    for name in names {
        assert!(
            tested.contains(&format!("alertname: {name}\n")),
            "{name} has no course of numbers"
        );
        let section = name.to_lowercase();
        assert!(sections.contains(&section), "{name} has no section");
        let link = format!("operating.md#{section}");
        assert!(alerts.contains(&link), "{name} does not lead to its section");
    }
}

/// `alerts_test.yaml` has a course of numbers for each.
#[test]
fn every_alert_fires_when_it_should_and_not_before() {
    let Some(promtool) = promtool_path() else { return };
    let run = |words: &str| {
        let mut command = Command::new(&promtool);
        command.args(words.split_whitespace()).current_dir(root().join("packaging/prometheus"));
        let output = command.output().expect("promtool starts");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{words}\n{}", String::from_utf8_lossy(&said));
    };
    run("check rules --lint=all --lint-fatal alerts.yaml");
    run("test rules alerts_test.yaml");
}

/// The dashboard asks only for what is served.
#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_exist() {
    for file in ["dashboard.json", "alerts.yaml"] {
        let text =
            std::fs::read_to_string(root().join("packaging/prometheus").join(file)).expect("it");
        let mut asked = 0;
        for part in text.split("chainkeeper_").skip(1) {
            let name: String =
                part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let name = format!("chainkeeper_{}", name.trim_end_matches("_bucket"));
            let known = TABLE.iter().any(|row| row.name == name);
            assert!(known, "{file}: {name} is served by nobody");
            asked += 1;
        }
        assert!(asked > 8, "{file}");
    }
}

/// All is commented out, so that an upgrade may change a default; uncommented it is what counts anyway.
#[test]
fn the_packages_file_of_settings_has_them_all_with_their_defaults() {
    let text = std::fs::read_to_string(root().join("packaging/config.toml")).expect("the file");
    let is_setting = |line: &&str| line.contains(" = ");
    let settings: Vec<&str> =
        text.lines().filter_map(|l| l.strip_prefix("# ")).filter(is_setting).collect();
    let mut found: toml::Table = settings.join("\n").parse().expect("TOML");
    let mut all = toml::Table::try_from(Settings::defaults()).expect("TOML");
    for of_the_unit in ["socket", "state-file"] {
        all.remove(of_the_unit);
        found.remove(of_the_unit);
    }
    assert_eq!(found, all);
}

/// Every file of the program's own code, with its path from the root.
fn code() -> Vec<(String, String)> {
    fn walk(folder: &Path, all: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(root()).expect("below it").display().to_string();
                all.push((name, std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    let mut all = Vec::new();
    for folder in ["src", "backends/contract/src", "backends/nft/src", "backends/legacy/src"] {
        walk(&root().join(folder), &mut all);
    }
    walk(&root().join("backends/conntrack/src"), &mut all);
    all
}

/// "Behaviour, not version": the kernel's is read for `report` alone, where people want to see it.
#[test]
fn nobody_decides_by_the_version_of_the_kernel() {
    let ways =
        ["uname", "utsname", "osrelease", "/proc/version", "kernelversion", "kernel_version"];
    let reads = |text: &str| ways.iter().any(|way| text.to_ascii_lowercase().contains(way));
    let code = code();
    assert!(code.len() > 150, "{} files", code.len());
    let reading: Vec<&String> =
        code.iter().filter(|(_, text)| reads(text)).map(|(name, _)| name).collect();
    assert_eq!(reading, ["src/commands/report_file/host.rs"]);
}

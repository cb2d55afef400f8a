//! What `docs/json.md` and the reference say of JSON, and what is printed.
use super::root;
use crate::screens::monitor::{event_samples, status_samples};
use crate::support::{Host, PROGRAM, eventually};
use chainkeeper::control::{Answer, Request};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Below these is what the page leaves to the program's own types.
const OPAQUE: [&str; 6] = ["steps", "notes", "problems", "facts", "settings", "detail"];
/// Named on the page, and not printed here: commands, options, and what is below `settings`.
const ELSEWHERE: [&str; 8] =
    ["asked", "check", "pause", "resume", "follow", "socket", "from", "value"];

/// Keys of objects, and the words that stand for something.
fn words(value: &Value, keys: &mut BTreeSet<String>, values: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                keys.insert(key.clone());
                if !OPAQUE.contains(&&**key) {
                    words(value, keys, values);
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| words(value, keys, values)),
        Value::String(text) => drop(values.insert(text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// All that is between backquotes, and the keys of the examples.
fn told() -> BTreeSet<String> {
    let page = |file: &str| std::fs::read_to_string(root().join("docs").join(file)).expect("it");
    let reference = page("reference.md");
    let (_, of_json) = reference.split_once("## `--output json`").expect("a section");
    let of_json = of_json.split("\n## ").next().unwrap_or_default();
    let text = page("json.md") + of_json;
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.split(word).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What a service and the commands beside it print.
fn printed() -> Vec<Value> {
    let host = Host::new();
    let mut all: Vec<Value> = Vec::new();
    let mut say = |words: &str| {
        let said = host.ck(&format!("{words} --output json")).stdout;
        all.extend(serde_json::Deserializer::from_str(&said).into_iter().map(|v| v.expect("JSON")));
    };
    say("status");
    say("events");
    let _run = host.start(PROGRAM, "run");
    eventually("it keeps", || host.ck("check --live").code == 0);
    for words in [
        "status",
        "check",
        "check --live",
        "pause",
        "resume",
        "diff",
        "apply",
        "probe",
        "config check",
        "config show",
        "apply --drop-bit 99",
        "remove --dry-run",
    ] {
        say(words);
    }
    say(&format!("report {}", host.state().with_file_name("report.txt").display()));
    all
}

#[test]
fn every_key_that_is_printed_is_told() {
    let (mut keys, mut values) = (BTreeSet::new(), BTreeSet::new());
    let samples = status_samples().into_iter().chain(event_samples());
    samples.chain(printed()).for_each(|value| words(&value, &mut keys, &mut values));
    let told = told();
    // Names of families, tables and writers, and of our chains are no keys of the shape.
    let names =
        ["ip", "ip6", "ipv4", "ipv6", "nat", "filter", "mangle", "iptables", "iptables-restor"];
    let missing: Vec<_> =
        keys.iter().filter(|key| !told.contains(*key) && !names.contains(&&***key)).collect();
    assert!(missing.is_empty(), "not in docs/json.md: {missing:?}");
    let page = std::fs::read_to_string(root().join("docs/json.md")).expect("the page");
    let is_word = |span: &&str| span.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let (shapes, _) = page.split_once("## The journal").expect("the journal comes last");
    let named = shapes.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_word);
    let named: BTreeSet<&str> = named.collect();
    assert!(named.len() > 15, "{named:?}");
    let unknown: Vec<_> = named
        .iter()
        .filter(|word| {
            !keys.contains(**word) && !values.contains(**word) && !ELSEWHERE.contains(word)
        })
        .collect();
    assert!(unknown.is_empty(), "only in docs/json.md: {unknown:?}");
}

/// What is asked and answered there, in all its kinds: one that is new stops this from compiling.
#[test]
fn the_local_socket_is_as_the_page_says() {
    let page = std::fs::read_to_string(root().join("docs/json.md")).expect("the page");
    let said = |value: Value| assert!(page.contains(&format!("`{value}`")), "{value}");
    for request in [
        Request::Status {},
        Request::Events { since_ms: 0, follow: false },
        Request::Pause { for_ms: 600_000 },
        Request::Resume {},
    ] {
        match request {
            Request::Status {}
            | Request::Events { .. }
            | Request::Pause { .. }
            | Request::Resume {} => {
                said(json!(request));
            }
        }
    }
    for answer in [Answer::Done(true), Answer::Error("words".into())] {
        match answer {
            Answer::Done(_) | Answer::Error(_) => said(json!(answer)),
            Answer::Status(_) | Answer::Event(_) => {}
        }
    }
}

/// The journal's fields are named where they are made.
#[test]
fn every_field_of_the_journal_is_told() {
    let source = std::fs::read_to_string(root().join("src/logging/told.rs")).expect("the source");
    let field = |line: &str| Some(line.trim().split_once(" = f.")?.0.to_owned());
    let fields: Vec<String> = source.lines().filter_map(field).collect();
    assert!(fields.len() > 10, "{fields:?}");
    let page = std::fs::read_to_string(root().join("docs/json.md")).expect("the page");
    let (_, journal) = page.split_once("## The journal").expect("a section");
    fields.iter().for_each(|name| assert!(journal.contains(&format!("`{name}`")), "{name}"));
}

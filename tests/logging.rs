//! The journal of the running service, in each of its forms, and how little it is in a storm.
mod journald;
mod storms;
mod stuck;

use crate::support::{Host, PROGRAM, Running, eventually};
use chainkeeper::story::{Event, Outcome, What};
use serde_json::Value;

/// By that program, which runs the rest, and waits until everything is in place.
fn keeping(host: &Host, by: &str, words: &str) -> Running {
    let run = host.start(by, words);
    eventually("it is in sync", || host.is_in_sync());
    run
}

/// Somebody deletes a jump, and it comes back.
fn repair(host: &Host) -> Event {
    let before = host.events().len();
    host.sh("iptables-nft -D INPUT -j KUBE-FIREWALL");
    eventually("it is repaired", || host.events().len() > before);
    host.events().pop().expect("just seen")
}

#[test]
fn text_is_one_line_a_change_with_the_time_and_no_colour() {
    let host = Host::new();
    let run = keeping(&host, PROGRAM, "run --settle 10ms");
    repair(&host);
    eventually("it says so", || run.journal().contains("taken by"));
    let journal = run.journal();
    let line = journal.lines().find(|l| l.contains("taken by")).expect("just seen");
    let (time, said) = line.split_at("2026-11-26T02:17:31.085Z".len());
    assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{line}");
    assert!(said.starts_with("  INFO repaired ip filter KUBE-FIREWALL: 1 jump after "), "{line}");
    for part in [" of quiet, in ", "; gap ", "; taken by iptables-nft"] {
        assert!(said.contains(part), "{line}");
    }
    assert!(!journal.contains('\u{1b}'), "{journal}");
}

#[test]
fn json_has_the_numbers_of_the_story() {
    let host = Host::new();
    let run = keeping(&host, PROGRAM, "run --settle 10ms --log-format json");
    let event = repair(&host);
    eventually("it says so", || run.journal().contains("\"gap\""));
    let lines: Vec<Value> =
        run.journal().lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
    let gap = lines.iter().find(|l| l["event"] == "gap").expect("just seen");
    let What::Gap(told) = &event.what else { panic!("{event:?}") };
    let Outcome::Repaired { quiet_ms, took_ms, gap_ms, .. } = told.outcome else {
        panic!("{event:?}")
    };
    assert_eq!((&gap["number"], &gap["commits"]), (&event.number.into(), &1.into()), "{gap}");
    for (name, value) in [("quiet_ms", quiet_ms), ("took_ms", took_ms), ("gap_ms", gap_ms)] {
        assert_eq!(gap[name], (value * 10.0).round() / 10.0, "{name} of {gap}");
    }
    let texts = [
        ("outcome", "repaired"),
        ("families", "ip"),
        ("chains", "ip/filter/KUBE-FIREWALL"),
        ("level", "INFO"),
    ];
    texts.iter().for_each(|(name, text)| assert_eq!(gap[name], *text, "{name} of {gap}"));
    assert!(gap["by"].as_str().is_some_and(|by| by.starts_with("iptables-nft (")), "{gap}");
    let message = gap["message"].as_str().expect("a text");
    assert!(message.starts_with("repaired ip filter KUBE-FIREWALL: 1 jump"), "{gap}");
    // Command lines of others are in no line, only in `events`.
    assert!(!run.journal().contains("-D INPUT"), "{}", run.journal());
}

#[test]
fn the_level_is_read_again_and_the_steps_of_a_plan_are_there_for_who_asks() {
    let host = Host::new();
    let config = crate::support::Scratch::new("level.toml", "log-level = \"warn\"\n");
    let words = format!("run --settle 10ms --config {}", config.path());
    let run = keeping(&host, PROGRAM, &words);
    repair(&host);
    assert_eq!(run.journal(), "");
    config.write("log-level = \"debug\"\n");
    run.signal("HUP");
    eventually("it is taken in", || run.journal().contains("configuration reloaded"));
    repair(&host);
    let step = "DEBUG ip: insert in filter INPUT: -j KUBE-FIREWALL";
    eventually("it says more", || run.journal().contains(step));
}

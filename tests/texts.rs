//! The text form and the real iptables-legacy: it takes what we print, and prints it again with the same
//! meaning. And a save of others that we took apart and put together again loads as what it was.
use crate::support::{Host, Scratch};
use chainkeeper_contract::testing::{Dice, ruleset};
use chainkeeper_contract::text::{Line, Printed, Save, parse_save, parse_spec, save};
use chainkeeper_contract::{Action, Family, Rule, Ruleset};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LEGACY: [(Family, &str); 2] =
    [(Family::Ipv4, "iptables-legacy"), (Family::Ipv6, "ip6tables-legacy")];

/// Where the saves are, each with its sets and with how it was made.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("backends/contract/tests/saves")
}

/// Restores this text on the host; what is saved then, with counters where `flags` is `-c`.
fn restored(host: &Host, program: &str, flags: &str, text: &str) -> Result<String, String> {
    // A lock of its own: the machine's may be held, and in a user namespace it cannot be opened.
    let name = format!("{program}-{}", host.path().replace('/', "-"));
    let (file, lock) = (Scratch::new(&name, text), Scratch::new(&format!("{name}-lock"), ""));
    let said = host.try_sh(&format!(
        "export XTABLES_LOCKFILE='{}'; {program}-restore {flags} <'{}'; {program}-save {flags}",
        lock.path(),
        file.path()
    ));
    if said.code == 0 { Ok(said.stdout) } else { Err(format!("{text}\n{}", said.stderr)) }
}

fn tables(text: &str) -> BTreeMap<String, Save> {
    let tables = parse_save(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    tables.into_iter().map(|t| (t.table.clone(), t)).collect()
}

/// The save put together again from what was read, each rule in our words where they are the same.
fn rebuilt(family: Family, text: &str) -> String {
    let mut out = String::new();
    for table in parse_save(text).expect("a save") {
        out += &format!("*{}\n", table.table);
        for (chain, policy) in &table.chains {
            out += &format!(":{chain} {} [0:0]\n", policy.as_deref().unwrap_or("-"));
        }
        for Printed { chain, spec, .. } in &table.rules {
            match parse_spec(family, spec) {
                Line::Rule(rule) => out += &format!("-A {chain} {rule}\n"),
                Line::Foreign(spec) => out += &format!("-A {chain} {spec}\n"),
            }
        }
        out += "COMMIT\n";
    }
    out
}

/// With each rule by its meaning: the matches may stand in another order.
fn meant(family: Family, text: &str) -> BTreeMap<String, Vec<(String, Line)>> {
    let read = |save: Save| {
        let rules = save.rules.into_iter();
        rules.map(|r| (r.chain.to_string(), parse_spec(family, &r.spec))).collect()
    };
    tables(text).into_iter().map(|(name, save)| (name, read(save))).collect()
}

/// Those that iptables-restore can read back.
fn saves() -> Vec<(String, String)> {
    let files = std::fs::read_dir(corpus()).expect("the saves");
    let names = files.map(|f| f.expect("an entry").file_name().into_string().expect("a name"));
    let loadable = |n: &String| n.ends_with(".save") && !n.starts_with("unquoted");
    let read = |n: String| (n.clone(), std::fs::read_to_string(corpus().join(n)).expect("text"));
    names.filter(loadable).map(read).collect()
}

#[test]
fn saves_of_others_load_and_are_saved_as_they_were() {
    let saves = saves();
    assert!(saves.len() > 15, "{}", saves.len());
    for (name, text) in saves {
        let (family, program) = LEGACY[usize::from(name.contains("-ip6"))];
        let host = Host::new();
        let (maker, _) = name.rsplit_once("-ip").expect("a family");
        let sets = corpus().join(format!("{maker}.ipset"));
        if sets.exists() {
            host.sh(&format!("ipset restore <'{}'", sets.display()));
        }
        let flags = if name.contains("-counters") { "-c" } else { "" };
        match restored(&host, program, flags, &text) {
            Ok(again) => assert_eq!(tables(&again), tables(&text), "{name}"),
            Err(why) => {
                left_out(&name, &why);
                continue;
            }
        }
        if flags.is_empty() {
            let ours = restored(&host, program, "", &rebuilt(family, &text));
            let ours = ours.unwrap_or_else(|why| panic!("{name} in our words: {why}"));
            assert_eq!(meant(family, &ours), meant(family, &text), "{name} in our words");
        }
    }
}

/// Not every kernel has every extension. What kubelet writes loads on all, and in CI all loads.
fn left_out(name: &str, why: &str) {
    let may = std::env::var_os("CI").is_none_or(|ci| ci.is_empty());
    assert!(may && !name.starts_with("kubelet"), "{name}: {why}");
    eprintln!("{name} is left out: {}", why.lines().last().unwrap_or_default());
}

#[test]
fn what_is_printed_of_any_ruleset_is_restored_with_its_meaning() {
    for (family, program) in LEGACY {
        let host = Host::new();
        for seed in 0..40 {
            let set: Ruleset = ruleset(&mut Dice::seeded(seed, 200), family);
            let text = save(&set);
            let again = restored(&host, program, "", &text).expect("it is restored");
            let again = meant(family, &again);
            for (table, rules) in meant(family, &text) {
                assert!(rules.iter().all(|(_, line)| matches!(line, Line::Rule(_))), "{text}");
                let kept = again[&table].iter().filter(|(_, line)| matches!(line, Line::Rule(_)));
                assert_eq!(kept.cloned().collect::<Vec<_>>(), rules, "{text}");
            }
        }
    }
}

/// iptables gets each as an argument, and prints it; iptables-restore gets what we print.
#[test]
fn comments_are_printed_as_iptables_prints_them() {
    let long = "x".repeat(255);
    let comments = [
        "plain",
        "two words",
        "a.b",
        "-j",
        "--comment",
        "!",
        "#",
        "\"",
        "it's",
        "\\",
        "\\\"",
        " x ",
        "",
        "\t",
        "cr\rhere",
        "\u{fc}n\u{ef} \u{2603}",
        "$x `y`",
        "-j DROP",
        "new\nline\n\"\nCOMMIT\n",
        &long,
    ];
    for (family, program) in LEGACY {
        let host = Host::new();
        let lock = Scratch::new(&format!("{program}-comments-lock"), "");
        for comment in comments {
            let quoted = comment.replace('\'', "'\\''");
            let said = host.sh(&format!(
                "export XTABLES_LOCKFILE='{}'; {program} -F
                {program} -A INPUT -m comment --comment '{quoted}' -j DROP; {program}-save -t filter",
                lock.path()
            ));
            let rule = Rule::new(Action::Drop).comment(comment);
            let rules = tables(&said).remove("filter").expect("filter").rules;
            assert_eq!(rules.len(), 1, "{rules:?}");
            assert_eq!((rules[0].chain.as_str(), &rules[0].spec), ("INPUT", &rule.to_string()));
            assert_eq!(parse_spec(family, &rules[0].spec), Line::Rule(rule));
            if !comment.contains('\n') {
                let again = restored(&host, program, "", &said).expect("it is restored");
                assert_eq!(tables(&again), tables(&said));
            }
        }
    }
}

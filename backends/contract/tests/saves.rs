//! Saves of the real iptables-legacy, made as `saves/README` says: nothing of them is lost, and nothing
//! is taken for a rule of ours but what was approved. UPDATE_SAVES=1 writes what is to be approved.
use chainkeeper_contract::text::{
    Line, Printed, Save, jumps_to, outline, parse_save, parse_spec, split,
};
use chainkeeper_contract::{End, Family};
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/saves"))
}

/// Name and text of each save.
fn saves() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder()).expect("the folder of saves");
    let mut names: Vec<String> = entries
        .map(|e| e.expect("an entry").file_name().into_string().expect("a plain name"))
        .filter_map(|name| name.strip_suffix(".save").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() > 15, "{names:?}");
    let read = |name: &str| std::fs::read_to_string(folder().join(format!("{name}.save")));
    names.into_iter().map(|name| (name.clone(), read(&name).expect("UTF-8"))).collect()
}

fn family(name: &str) -> Family {
    if name.contains("-ip6") { Family::Ipv6 } else { Family::Ipv4 }
}

/// The save as text, without counters.
fn written(tables: &[Save]) -> String {
    let mut out = String::new();
    for table in tables {
        out += &format!("*{}\n", table.table);
        for (chain, policy) in &table.chains {
            out += &format!(":{chain} {}\n", policy.as_deref().unwrap_or("-"));
        }
        for Printed { chain, spec, .. } in &table.rules {
            out += format!("-A {chain} {spec}").trim_end_matches(' ');
            out.push('\n');
        }
        out += "COMMIT\n";
    }
    out
}

/// A line without its counters.
fn uncounted(line: &str) -> &str {
    if line.starts_with(':') {
        return line.rsplit_once(" [").expect("counters").0;
    }
    let counted = line.starts_with('[') && line.contains("] -A ");
    if counted { line.split_once(' ').expect("a blank").1 } else { line }
}

#[test]
fn what_was_read_is_the_whole_text() {
    for (name, text) in saves() {
        let tables = parse_save(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let lines = text.split('\n').filter(|line| !line.starts_with('#'));
        let plain: Vec<&str> = lines.map(uncounted).collect();
        assert_eq!(written(&tables), plain.join("\n"), "{name}");
        let lines = |start: &str| plain.iter().filter(|line| line.starts_with(start)).count();
        let (chains, rules) = (lines(":"), lines("-A "));
        assert_eq!(tables.iter().map(|t| t.chains.len()).sum::<usize>(), chains, "{name}");
        // One line of a comment looks like a rule.
        let rules = rules - usize::from(name.starts_with("unquoted"));
        assert_eq!(tables.iter().map(|t| t.rules.len()).sum::<usize>(), rules, "{name}");
    }
}

/// Table and chain of each rule, its specification and how it is read.
fn readings(family: Family, tables: &[Save]) -> Vec<(String, &str, Line)> {
    let rules = tables.iter().flat_map(|t| t.rules.iter().map(move |rule| (&t.table, rule)));
    rules
        .map(|(table, Printed { chain, spec, .. })| {
            (format!("{table} {chain}"), spec.as_str(), parse_spec(family, spec))
        })
        .collect()
}

/// Printed by us it is the same words; only the matches may stand in another order.
#[test]
fn rules_of_our_kind_are_the_approved_ones() {
    for (name, text) in saves() {
        let tables = parse_save(&text).expect("a save");
        let mut list = String::new();
        for (place, spec, line) in readings(family(&name), &tables) {
            match line {
                Line::Foreign(foreign) => assert_eq!(foreign, spec),
                Line::Rule(rule) => {
                    let printed = rule.to_string();
                    let [mut theirs, mut ours] =
                        [spec, &printed].map(|text| split(text).expect("words"));
                    theirs.sort();
                    ours.sort();
                    assert_eq!(ours, theirs, "{name}");
                    list += &format!("{place} {printed}\n");
                }
            }
        }
        let golden = folder().join(format!("{}.ours", name.trim_end_matches("-counters")));
        if std::env::var_os("UPDATE_SAVES").is_some() {
            std::fs::write(&golden, &list).expect("the folder can be written");
        }
        let approved = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(list, approved, "{}", golden.display());
    }
}

/// The only rules of which it is not known where they send a packet: their words are ambiguous.
const UNKNOWN: [&str; 3] = [
    "-m recent --set --name x -j DROP --mask 255.255.255.255 --rsource",
    "-m recent --set --name x -j DROP --mask 255.255.255.255 --rsource -j ACCEPT",
    "-m recent --set --name x -j LOG --mask 255.255.255.255 --rsource -m comment --comment -j -j \"",
];

#[test]
fn foreign_rules_have_an_outline() {
    let mut unknown = Vec::new();
    for (name, text) in saves() {
        for table in parse_save(&text).expect("a save") {
            let is_chain =
                |n: &str| table.chains.iter().any(|(c, p)| c.as_str() == n && p.is_none());
            for Printed { spec, .. } in &table.rules {
                let seen = outline(spec, &is_chain);
                assert_eq!(&seen.text, spec);
                let bare = spec.is_empty() || spec.starts_with("-j ") || spec.starts_with("-g ");
                assert!(!(bare && seen.conditional), "{name}: {spec}");
                let asks =
                    ["-s ", "-d ", "-p ", "-i ", "! ", "-m "].iter().any(|o| spec.starts_with(o));
                assert!(
                    !asks || seen.conditional || spec.starts_with("-m comment"),
                    "{name}: {spec}"
                );
                match seen.end {
                    End::Jump(to) | End::Goto(to) => assert_eq!(jumps_to(spec), Some(to.as_str())),
                    End::Accept => assert_eq!(jumps_to(spec), Some("ACCEPT")),
                    End::Drop => assert_eq!(jumps_to(spec), Some("DROP")),
                    End::Return => assert_eq!(jumps_to(spec), Some("RETURN")),
                    End::Other(to) => assert_eq!(jumps_to(spec), Some(to.as_str())),
                    End::Next => {}
                    End::Unknown(_) => unknown.push(spec.clone()),
                }
            }
        }
    }
    assert_eq!(unknown, UNKNOWN);
}

/// At every line, and at every character of what is short: an error, or fewer tables that are whole.
#[test]
fn a_text_that_was_cut_off_has_whole_tables_only() {
    for (name, text) in saves() {
        let whole = parse_save(&text).expect("a save");
        let short = text.len() < 2000;
        for (cut, _) in text.char_indices().filter(|(_, c)| short || *c == '\n') {
            if let Ok(tables) = parse_save(&text[..cut]) {
                assert_eq!(tables, whole[..tables.len()], "{name} cut at {cut}");
                let commits = text[..cut].matches("\nCOMMIT").count();
                assert!(tables.len() <= commits, "{name} cut at {cut}");
            }
        }
    }
}

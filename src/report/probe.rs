//! Which backend: the answer, why, what was looked at, and what was not chosen. One fact a line.
use super::error_json;
use super::lines::wrapped;
use crate::advice::{self, Advice};
use crate::backends::Kind;
use crate::host::{Place, Surroundings};
use crate::probe::{Basis, Choice, Fact, Facts, NftFacts};
use crate::sight::Held;
use chainkeeper_contract::{BackendError, Family, Survey};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Width of the column of names.
const NAME: usize = 10;

/// The answer first.
pub fn probe(choice: &Choice, facts: &Facts, around: Option<&Surroundings>) -> String {
    let mut out = wrapped(7, &format!("{:6} {}", choice.kind, choice.why));
    for warning in &choice.warnings {
        out += &wrapped(9, &format!("warning: {warning}"));
    }
    if !choice.hint {
        let why = match choice.basis {
            Basis::Remembered => "the choice that is remembered rested on no evidence",
            Basis::Asked | Basis::Evidence | Basis::Nothing => "this choice rests on no evidence",
        };
        out += &wrapped(7, &format!("hint   KUBE-IPTABLES-HINT is withheld: {why}"));
    }
    out += "\n";
    out += &evidence(facts);
    out += &container(around);
    out += "not chosen\n";
    out + &line(choice.kind.other().to_string().as_str(), &choice.not_chosen)
}

/// What was looked at.
fn evidence(facts: &Facts) -> String {
    let mut out = "evidence\n".to_owned();
    out += &line("nf_tables", &nf_tables(&facts.nft));
    out += &line("hints", &hints(facts));
    out += &line("legacy", &legacy(facts));
    for (kind, held) in sides(facts) {
        out += &held_lines(kind, held);
    }
    let tool = facts.host_tool.as_ref().map_or("no plain iptables in PATH", |t| t.text.as_str());
    out += &line("tools", tool);
    match &facts.legacy.tools {
        Ok(tools) => out += &line("", &format!("legacy writes by {tools}")),
        Err(missing) => out += &line("", missing),
    }
    if let Fact::No(why) | Fact::Unknown(why) = &facts.legacy.allowed {
        out += &line("", why);
    }
    match &facts.remembered {
        Some(known) => out + &line("remembered", &format!("{}, from {}", known.kind, known.from)),
        None => out + &line("remembered", "nothing"),
    }
}

/// What is wrong with the one that this is in; the lines that mend it are left whole.
fn container(around: Option<&Surroundings>) -> String {
    let one = |Advice { when, manifest, .. }: Advice| {
        let lines = manifest.lines().map(|line| format!("{:1$}{line}\n", "", NAME + 3));
        line("container", when) + &lines.collect::<String>()
    };
    around.map(advice::doubts).into_iter().flatten().map(one).collect()
}

/// No answer, and why: first, as the answer would be.
pub fn no_backend(error: &BackendError, facts: &Facts, around: Option<&Surroundings>) -> String {
    wrapped(7, &format!("none   {error}")) + "\n" + &evidence(facts) + &container(around)
}

/// The same for programs. What was not read is null, never empty.
pub fn probe_json(
    choice: Result<&Choice, &BackendError>,
    facts: &Facts,
    place: Place,
    around: Option<&Surroundings>,
) -> Value {
    let [(_, nft), (_, legacy)] = sides(facts);
    let words = |result: &Result<_, String>| result.as_ref().err().cloned();
    let errors = [
        words(&facts.legacy.names.as_ref().map(|_| ()).map_err(Clone::clone)),
        words(&facts.legacy.held.as_ref().map(|_| ()).map_err(Clone::clone)),
    ];
    json!({
        "backend": choice.ok(),
        "error": choice.err().map(|error| error_json(error, place)),
        "facts": {
            "nft": {
                "answers": facts.nft.answers,
                "generation": facts.nft.generation,
                "held": nft.map(by_family),
                "survey": facts.nft.survey.as_ref().map(survey_json),
                "dry_run": facts.nft.dry_run,
            },
            "legacy": {
                "names": facts.legacy.names.as_ref().ok().map(by_family),
                "kernel": facts.legacy.kernel,
                "tools": facts.legacy.tools.as_ref().ok(),
                "allowed": facts.legacy.allowed,
                "held": legacy.map(by_family),
                "survey": facts.legacy.survey.as_ref().map(survey_json),
                "errors": errors.into_iter().flatten().collect::<Vec<_>>(),
            },
            "host_tool": facts.host_tool,
            "remembered": facts.remembered,
            "container": around,
        },
    })
}

/// By `ip` and `ip6`, as everywhere else.
fn by_family<T: serde::Serialize>(map: &BTreeMap<Family, T>) -> Value {
    let entry = |(family, value): (&Family, &T)| (family.nft_name().to_owned(), json!(value));
    Value::Object(map.iter().map(entry).collect())
}

fn survey_json(survey: &Survey) -> Value {
    json!({
        "tables": survey.tables,
        "rules": by_family(&survey.rules),
        "policies": survey.policies,
    })
}

fn line(name: &str, text: &str) -> String {
    wrapped(NAME + 3, &format!("  {name:NAME$} {text}"))
}

fn nf_tables(nft: &NftFacts) -> String {
    let answers = match &nft.answers {
        Fact::Yes => "answers".to_owned(),
        Fact::No(why) | Fact::Unknown(why) => return why.clone(),
    };
    let generation = nft.generation.map_or(String::new(), |g| format!(", generation {g}"));
    let tables = nft.survey.as_ref().map_or(String::new(), tables);
    let dry_run = match &nft.dry_run {
        None | Some(Fact::Yes) => String::new(),
        Some(Fact::No(why) | Fact::Unknown(why)) => {
            format!("; it would not take our chains: {why}")
        }
    };
    format!("{answers}{generation}{tables}{dry_run}")
}

/// `; ip: nat filter; inet: firewalld; 12 rules of others`.
fn tables(survey: &Survey) -> String {
    let mut by_family: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for table in &survey.tables {
        let (family, name) = table.split_once(' ').unwrap_or(("", table));
        by_family.entry(family).or_default().push(name);
    }
    // iptables' own in the order in which it prints them, then those of others.
    let order = |name: &&str| {
        ["raw", "mangle", "filter", "nat"].iter().position(|t| t == name).unwrap_or(9)
    };
    by_family.values_mut().for_each(|names| names.sort_by_key(order));
    let tables: String = by_family
        .iter()
        .map(|(family, names)| format!("; {family}: {}", names.join(" ")))
        .collect();
    let policies: String = survey.policies.iter().map(|p| format!("; {p} drops")).collect();
    match survey.rules.values().sum::<usize>() {
        0 => format!("{tables}{policies}; no rule of others"),
        1 => format!("{tables}{policies}; 1 rule of others"),
        n => format!("{tables}{policies}; {n} rules of others"),
    }
}

fn sides(facts: &Facts) -> [(Kind, Option<&BTreeMap<Family, Held>>); 2] {
    let nft = Some(&facts.nft.held).filter(|_| !matches!(facts.nft.answers, Fact::Unknown(_)));
    [(Kind::Nft, nft), (Kind::Legacy, facts.legacy.held.as_ref().ok())]
}

fn hints(facts: &Facts) -> String {
    let mut words = Vec::new();
    for (kind, held) in sides(facts) {
        let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (family, held) in held.into_iter().flatten() {
            for hint in &held.hints {
                places.entry(hint.as_str()).or_default().push(family.nft_name());
            }
        }
        let place = |(hint, families): (&str, Vec<&str>)| {
            format!("{hint} in {kind} ({} mangle)", families.join(", "))
        };
        words.extend(places.into_iter().map(place));
    }
    let unread = sides(facts).into_iter().filter(|(_, held)| held.is_none());
    words.extend(unread.map(|(kind, _)| format!("{kind}: not read")));
    match words.is_empty() {
        true => "none of others".into(),
        false => words.join("; "),
    }
}

fn legacy(facts: &Facts) -> String {
    let names = match &facts.legacy.names {
        Err(why) => return why.clone(),
        Ok(names) => names,
    };
    if names.values().all(Vec::is_empty) {
        return match &facts.legacy.kernel {
            Fact::Yes => "the kernel lists no table, so nothing can be there".into(),
            Fact::No(why) | Fact::Unknown(why) => format!("{why}, so nothing can be there"),
        };
    }
    let listed: Vec<String> = names
        .iter()
        .filter(|(_, tables)| !tables.is_empty())
        .map(|(family, tables)| format!("{family}: {}", tables.join(" ")))
        .collect();
    let what = match (&facts.legacy.held, &facts.legacy.survey) {
        (Err(why), _) => format!("; {why}"),
        (Ok(_), None) => String::new(),
        (Ok(_), Some(survey)) => tables(&Survey { tables: vec![], ..survey.clone() }),
    };
    format!("{}{what}", listed.join("; "))
}

/// What else is there: a full set, a kube-proxy, chains of ours.
fn held_lines(kind: Kind, held: Option<&BTreeMap<Family, Held>>) -> String {
    let mut words = Vec::new();
    for (family, held) in held.into_iter().flatten() {
        let full = held.full_set.then(|| format!("{family} has the full set of others"));
        let proxy = held.kube_proxy.as_ref().map(|sign| format!("{family} {sign} of a kube-proxy"));
        let ours = match held.ours {
            0 => None,
            1 => Some(format!("{family} has 1 chain of ours")),
            n => Some(format!("{family} has {n} chains of ours")),
        };
        words.extend([full, proxy, ours].into_iter().flatten());
    }
    match words.is_empty() {
        true => String::new(),
        false => line(&format!("in {kind}"), &words.join(", ")),
    }
}

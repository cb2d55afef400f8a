//! Our chains as the kernel holds them, with counters; rules of others as numbers.
use super::choice::screen;
use super::section::tool;
use crate::backends;
use crate::chains;
use crate::cli::ReportArgs;
use crate::config::Config;
use crate::damage::plural;
use crate::policy::{Circumstances, policy};
use crate::sight;
use crate::switch::Switch;
use chainkeeper_contract::text::parse_save;
use chainkeeper_contract::{Action, ChainName, ChainSeen, Counters, Family, Observed, Rule, Scope};
use chainkeeper_legacy::{Names, listed};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How many rules each chain of each table has: `ip nat`, `KUBE-POSTROUTING`.
type Sizes = BTreeMap<(String, String), usize>;

/// Our chains and the jumps to them, in the backend that is in use.
pub(super) fn ours(config: &Config, _: &ReportArgs) -> Result<String, String> {
    let switch = Switch::open(config).map_err(|e| screen(&e))?;
    let mut backend = backends::open(config, switch.choice().kind, &switch.stop())
        .map_err(|error| screen(&error))?;
    // All of the built-in chains, or the rules of others in them would be some of them.
    let scope = Scope { references: true, ..sight::scope(config) };
    let seen = backend.observe(&scope).map_err(|error| screen(&error))?;
    let mut out = String::new();
    for (family, observed) in &seen.families {
        match observed {
            Ok(observed) => family_chains(config, *family, observed, &mut out),
            Err(error) => out += &format!("{family}: {}\n", screen(error)),
        }
    }
    Ok(out)
}

fn family_chains(config: &Config, family: Family, observed: &Observed, out: &mut String) {
    let sets = [false, true].map(|kube_proxy| {
        policy(config, Circumstances { kube_proxy, ..Circumstances::default() }, family)
    });
    for (table, seen) in &observed.tables {
        for (name, chain) in &seen.chains {
            let wanted = |rule: &Rule| {
                let of = sets.iter().flat_map(|set| &set.chains);
                let mut of = of.filter(|c| c.table == *table && c.name == *name);
                of.any(|c| c.rules.iter().chain(&c.retired).any(|r| r.means(rule)))
            };
            let jump = |rule: &Rule| match &rule.action {
                Action::Jump(to) => chains::is_known(*table, to),
                Action::Drop | Action::Return | Action::Mark { .. } | Action::Masquerade { .. } => {
                    false
                }
            };
            let head = format!("{family} {table} {name}");
            if chains::is_known(*table, name) {
                let by = if chain.ours { "   (carries our mark)" } else { "" };
                let _ = writeln!(out, "{head}{by}");
                rules(chain, wanted, out);
            } else if chain.rules.iter().any(|r| r.rule().is_some_and(jump)) {
                let _ = writeln!(out, "{head}");
                rules(chain, jump, out);
            }
        }
    }
}

/// Those that are ours as text; how many others stand between them.
fn rules(chain: &ChainSeen, ours: impl Fn(&Rule) -> bool, out: &mut String) {
    let mut foreign = 0;
    let tell = |foreign: &mut usize, out: &mut String| {
        if *foreign > 0 {
            let _ = writeln!(out, "    ({} of others)", plural(*foreign, "rule"));
        }
        *foreign = 0;
    };
    for seen in &chain.rules {
        match seen.rule().filter(|rule| ours(rule)) {
            Some(rule) => {
                tell(&mut foreign, out);
                let count = |c: Counters| format!("[{}:{}]", c.packets, c.bytes);
                let count = seen.counters.map(count).unwrap_or_default();
                let _ = writeln!(out, "    {count:>14}  {rule}");
            }
            None => foreign += 1,
        }
    }
    tell(&mut foreign, out);
}

/// How many rules each chain has, ours with them: in nf_tables, and in legacy where it has tables. With
/// `--with-foreign-rules` the rules themselves.
pub(super) fn others(_: &Config, args: &ReportArgs) -> Result<String, String> {
    let said = |rules: Result<String, String>| {
        rules.unwrap_or_else(|why| format!("    not read: {why}\n"))
    };
    let with = args.with_foreign_rules;
    Ok(format!("nft\n{}legacy\n{}", said(nft(with)), said(legacy(with))))
}

fn nft(with_rules: bool) -> Result<String, String> {
    let text = tool(&["nft", "list", "ruleset"])?;
    Ok(if with_rules { indented(&text) } else { shown(&of_nft(&text)) })
}

/// By a tool that makes no table.
fn legacy(with_rules: bool) -> Result<String, String> {
    let mut out = String::new();
    for family in Family::ALL {
        let save = match family {
            Family::Ipv4 => "iptables-legacy-save",
            Family::Ipv6 => "ip6tables-legacy-save",
        };
        match listed(family) {
            Names::Listed(tables) if tables.is_empty() => {}
            Names::NoList => {}
            Names::Unreadable(why) => return Err(why.to_string()),
            Names::Listed(_) => {
                let text = tool(&[save, "-c"])?;
                out += &match with_rules {
                    true => format!("# {family}\n{}", indented(&text)),
                    false => shown(&of_save(family, &text)?),
                };
            }
        }
    }
    Ok(out)
}

/// Names of others may have ends of lines, which nft prints: none of them begins what looks like a section.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn shown(sizes: &Sizes) -> String {
    let one = |((table, chain), n): (&(String, String), &usize)| {
        format!("    {table:14} {chain:32} {n}\n")
    };
    sizes.iter().map(one).collect()
}

/// Of `nft list ruleset`. A rule goes on where its braces are open.
fn of_nft(text: &str) -> Sizes {
    let (mut sizes, mut table, mut chain, mut open) = (Sizes::new(), String::new(), None, 0);
    for line in text.lines() {
        let words = line.trim();
        let begins = |what: &str| {
            words.strip_prefix(what).and_then(|w| w.trim().strip_suffix('{')).map(str::trim)
        };
        if open > 0 {
            open += balance(words);
        } else if let Some(name) = begins("table ") {
            (table, chain) = (name.to_owned(), None);
        } else if let Some(name) = begins("chain ") {
            let key = (table.clone(), name.to_owned());
            sizes.entry(key.clone()).or_default();
            chain = Some(key);
        } else if words == "}" {
            chain = None;
        } else if let Some(key) = &chain {
            let no_rule = ["type ", "policy ", "comment "];
            if words.is_empty() || no_rule.iter().any(|p| words.starts_with(p)) {
                continue;
            }
            *sizes.entry(key.clone()).or_default() += 1;
            open = balance(words).max(0);
        }
    }
    sizes
}

fn balance(words: &str) -> i32 {
    words.chars().map(|c| i32::from(c == '{') - i32::from(c == '}')).sum()
}

fn of_save(family: Family, text: &str) -> Result<Sizes, String> {
    let mut sizes = Sizes::new();
    for save in parse_save(text).map_err(|error| error.to_string())? {
        let key = |chain: &ChainName| (format!("{family} {}", save.table), chain.to_string());
        for (chain, _) in &save.chains {
            sizes.entry(key(chain)).or_default();
        }
        for rule in &save.rules {
            *sizes.entry(key(&rule.chain)).or_default() += 1;
        }
    }
    Ok(sizes)
}

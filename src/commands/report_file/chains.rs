//! Our chains as the kernel holds them, with counters; rules of others as numbers.
use super::choice::screen;
use super::section::tool;
use crate::backends;
use crate::cli::ReportArgs;
use crate::config::Config;
use crate::policy::{self, Sighted, policy};
use crate::probe::Kind;
use crate::switch::Switch;
use chainkeeper_contract::{Action, ChainSeen, Family, Observed, Rule};
use chainkeeper_legacy::{Names, listed};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Of each table and chain (`ip nat`, `KUBE-POSTROUTING`) the counters of its rules, in their order, where
/// they are counted.
type Rules = BTreeMap<(String, String), Vec<Option<String>>>;

/// Our chains and the jumps to them, in the backend that is in use.
pub(super) fn ours(config: &Config, _: &ReportArgs) -> Result<String, String> {
    let switch = Switch::open(config).map_err(|e| screen(&e))?;
    let kind = switch.choice().kind;
    let mut backend =
        backends::open(config, kind, &switch.stop()).map_err(|error| screen(&error))?;
    let seen = backend.observe(&policy::scope(config)).map_err(|error| screen(&error))?;
    let (counters, mut out) = match counted(kind) {
        Ok(counters) => (counters, String::new()),
        Err(why) => (Rules::new(), format!("(without counters: {why})\n")),
    };
    for (family, observed) in &seen.families {
        match observed {
            Ok(observed) => family_chains(config, *family, observed, &counters, &mut out),
            Err(error) => out += &format!("{family}: {}\n", screen(error)),
        }
    }
    Ok(out)
}

fn family_chains(
    config: &Config,
    family: Family,
    observed: &Observed,
    counters: &Rules,
    out: &mut String,
) {
    let sets = [false, true]
        .map(|kube_proxy| policy(config, Sighted { kube_proxy, ..Sighted::default() }, family));
    for (table, seen) in &observed.tables {
        for (name, chain) in &seen.chains {
            let wanted = |rule: &Rule| {
                let of = sets.iter().flat_map(|set| &set.chains);
                let mut of = of.filter(|c| c.table == *table && c.name == *name);
                of.any(|c| c.rules.iter().chain(&c.retired).any(|r| r.means(rule)))
            };
            let jump = |rule: &Rule| match &rule.action {
                Action::Jump(to) => policy::is_known(*table, to),
                Action::Drop | Action::Return | Action::Mark { .. } | Action::Masquerade { .. } => {
                    false
                }
            };
            let head = format!("{family} {table} {name}");
            let counters = counters.get(&(format!("{family} {table}"), name.to_string()));
            if policy::is_known(*table, name) {
                let by = if chain.ours { "   (carries our mark)" } else { "" };
                let _ = writeln!(out, "{head}{by}");
                rules(chain, wanted, counters, out);
            } else if chain.rules.iter().any(|r| r.rule().is_some_and(jump)) {
                let _ = writeln!(out, "{head}");
                rules(chain, jump, counters, out);
            }
        }
    }
}

/// Those that are ours as text; how many others stand between them.
fn rules(
    chain: &ChainSeen,
    ours: impl Fn(&Rule) -> bool,
    counters: Option<&Vec<Option<String>>>,
    out: &mut String,
) {
    // Somebody may have written between the two looks.
    let counters = counters.filter(|all| all.len() == chain.rules.len());
    let mut foreign = 0;
    let tell = |foreign: &mut usize, out: &mut String| {
        if *foreign > 0 {
            let _ = writeln!(out, "    ({} of others)", crate::damage::plural(*foreign, "rule"));
        }
        *foreign = 0;
    };
    for (n, seen) in chain.rules.iter().enumerate() {
        match seen.rule().filter(|rule| ours(rule)) {
            Some(rule) => {
                tell(&mut foreign, out);
                let count = counters.and_then(|all| all[n].as_deref()).unwrap_or("");
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
    let mut out = String::new();
    for kind in [Kind::Nft, Kind::Legacy] {
        let _ = writeln!(out, "{kind}");
        match raw(kind) {
            Err(why) => drop(writeln!(out, "    not read: {why}")),
            Ok(text) if args.with_foreign_rules => out += &text,
            Ok(text) => {
                for ((table, chain), rules) in parsed(kind, &text) {
                    let _ = writeln!(out, "    {table:14} {chain:32} {}", rules.len());
                }
            }
        }
    }
    Ok(out)
}

fn counted(kind: Kind) -> Result<Rules, String> {
    Ok(parsed(kind, &raw(kind)?))
}

fn parsed(kind: Kind, text: &str) -> Rules {
    match kind {
        Kind::Nft => of_nft(text),
        Kind::Legacy => of_saves(text),
    }
}

/// All that there is, by a tool that makes no table.
fn raw(kind: Kind) -> Result<String, String> {
    match kind {
        Kind::Nft => tool(&["nft", "list", "ruleset"]),
        Kind::Legacy => {
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
                        out += &format!("# {family}\n{}", tool(&[save, "-c"])?);
                    }
                }
            }
            Ok(out)
        }
    }
}

/// Of `nft list ruleset`. A rule goes on where its braces are open.
fn of_nft(text: &str) -> Rules {
    let (mut rules, mut table, mut chain, mut open) = (Rules::new(), String::new(), None, 0);
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
            rules.entry((table.clone(), name.to_owned())).or_default();
            chain = Some(name.to_owned());
        } else if words == "}" {
            chain = None;
        } else if let Some(name) = &chain {
            let no_rule = ["type ", "policy ", "comment "];
            if words.is_empty() || no_rule.iter().any(|p| words.starts_with(p)) {
                continue;
            }
            let key = (table.clone(), name.clone());
            rules.entry(key).or_default().push(nft_counter(words));
            open = balance(words).max(0);
        }
    }
    rules
}

fn balance(words: &str) -> i32 {
    words.chars().map(|c| i32::from(c == '{') - i32::from(c == '}')).sum()
}

/// `counter packets 12 bytes 720` as iptables-save would have it.
fn nft_counter(rule: &str) -> Option<String> {
    let (_, rest) = rule.split_once("counter packets ")?;
    let mut words = rest.split(' ');
    let (packets, bytes) = (words.next()?, words.nth(1)?);
    let number = |text: &str| text.parse::<u64>().is_ok();
    (number(packets) && number(bytes)).then(|| format!("[{packets}:{bytes}]"))
}

/// Of `iptables-save -c`, family by family.
fn of_saves(text: &str) -> Rules {
    let (mut rules, mut family, mut table) = (Rules::new(), "", String::new());
    for line in text.lines() {
        match line {
            "# ip" | "# ip6" => family = &line[2..],
            _ => {}
        }
        if let Some(name) = line.strip_prefix('*') {
            table = format!("{family} {name}");
        } else if let Some(chain) = line.strip_prefix(':').and_then(|l| l.split(' ').next()) {
            rules.entry((table.clone(), chain.to_owned())).or_default();
        } else if let Some((counter, rest)) = line.split_once(" -A ") {
            let chain = rest.split(' ').next().unwrap_or_default();
            let key = (table.clone(), chain.to_owned());
            rules.entry(key).or_default().push(Some(counter.to_owned()));
        }
    }
    rules
}

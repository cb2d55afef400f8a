//! Other programs write to the same tables: what is theirs stays theirs, and what keeps us from
//! our work is named, not fought.
mod bits;
mod canary;
mod foreign;
mod jumps;
mod names;
mod removal;
mod run;
mod tables;
mod walks;

use crate::support::{Host, On, Scratch};
use std::collections::BTreeMap;

/// Both families, as iptables' command and as nft's word: for what there is in nf_tables alone.
const NFT_ONLY: [(&str, &str); 2] = [("iptables-nft", "ip"), ("ip6tables-nft", "ip6")];

const RETURN: &str = "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN";
const CLEAR: &str = "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0";
const MASQUERADE: &str = "-A KUBE-POSTROUTING -m comment \
     --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully";
const DROP_MARKED: &str = "-A KUBE-FIREWALL -m comment \
     --comment \"kubernetes firewall for dropping marked packets\" \
     -m mark --mark 0x8000/0x8000 -j DROP";
const DROP_LOCALNET: &str = "-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment \
     --comment \"block incoming localnet connections\" \
     -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP";
const TO_POSTROUTING: &str =
    "-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING";

/// A host on which `apply` was run.
fn kept_host(on: On) -> Host {
    let host = Host::of(on);
    host.ck_ok("apply", 0);
    host
}

/// Feeds many lines to a loader, in files that begin and end with `head` and `tail`. In pieces,
/// since root of a user namespace cannot send what exceeds the socket's buffer.
fn load(host: &Host, loader: &str, lines: &[String], [head, tail]: [&str; 2]) {
    for piece in lines.chunks(200) {
        let text = format!("{head}{}\n{tail}", piece.join("\n"));
        let file = Scratch::new(&format!("load-{:?}", std::thread::current().id()), &text);
        host.sh(&format!("{loader} < '{}'", file.path()));
    }
}

/// The rules of a chain as `-S` prints them. Legacy takes the lock to do so, which `run` may hold.
fn rules(host: &Host, tool: &str, table: &str, chain: &str) -> Vec<String> {
    let text = host.sh(&format!("{tool} -w 5 -t {table} -S {chain}"));
    text.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect()
}

/// The chains of ours that a table of that family has, sorted.
fn our_chains(host: &Host, family: &str) -> Vec<String> {
    let of = |chain: String| chain.strip_prefix(family)?.strip_prefix(' ').map(str::to_owned);
    host.our_chains(host.on()).into_iter().filter_map(of).collect()
}

/// Every chain of the host's backend, by table (`ip nat`) and name: its listing with counters, and with
/// handles where there are any.
fn chains(host: &Host) -> BTreeMap<(String, String), Vec<String>> {
    match host.on() {
        On::Nft => listed(&host.sh("nft -a list ruleset")),
        On::Legacy => ["ip", "ip6"]
            .into_iter()
            .flat_map(|family| saved(family, &host.sh(&format!("{family}tables-legacy-save -c"))))
            .collect(),
    }
}

fn listed(listing: &str) -> BTreeMap<(String, String), Vec<String>> {
    let (mut table, mut chain) = (String::new(), None);
    let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for line in listing.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["table", family, name, ..] => table = format!("{family} {name}"),
            ["chain", name, ..] => chain = Some((table.clone(), name.to_owned())),
            ["}"] => chain = None,
            _ => {}
        }
        if let Some(key) = &chain {
            found.entry(key.clone()).or_default().push(line.trim().to_owned());
        }
    }
    found
}

/// Without the counters of policies: whoever commits to a table, iptables-legacy sets them to zero, even
/// for a rule in another chain (1.8.9; kubernetes/kubernetes#110328 tells of it).
fn saved(family: &str, save: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut table = String::new();
    let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for line in save.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = format!("{family} {name}");
        }
        // `:CHAIN POLICY [0:0]` and `[0:0] -A CHAIN ...`
        let chain = match line.strip_prefix(':') {
            Some(chain) => chain.split(' ').next(),
            None => line.split(' ').nth(2).filter(|_| line.starts_with('[')),
        };
        if let Some(chain) = chain {
            let key = (table.clone(), chain.to_owned());
            let line = if line.starts_with(':') { line.split(" [").next() } else { Some(line) };
            found.entry(key).or_default().extend(line.map(str::to_owned));
        }
    }
    found
}

/// The same of one chain.
fn chain(host: &Host, table: &str, name: &str) -> Vec<String> {
    let key = (table.to_owned(), name.to_owned());
    chains(host).remove(&key).unwrap_or_else(|| panic!("no chain {table} {name}"))
}

/// Counters of its own for a rule that is to be told from others; not those of IPv6 on nft, which is
/// 1.8.9's doing, and it has a handle.
const COUNTED: &str = "-c 7 700";

/// What tells the only rule in a chain's listing that holds these words from another like it: its handle,
/// or on legacy the counters that it was given.
fn identity(listing: &[String], words: &str) -> String {
    let holds = |l: &&String| l.to_lowercase().contains(&words.to_lowercase());
    let found: Vec<_> = listing.iter().filter(holds).collect();
    assert_eq!(found.len(), 1, "`{words}` in {listing:#?}");
    match found[0].split_once(" # handle ") {
        Some((_, handle)) => handle.to_owned(),
        None => {
            assert!(found[0].starts_with("[7:700]"), "one like any other: {}", found[0]);
            "[7:700]".to_owned()
        }
    }
}

/// True for a line of a listing that leads to this chain.
fn leads_to(line: &str, chain: &str) -> bool {
    line.contains(&format!("jump {chain}")) || line.contains(&format!("-j {chain}"))
}

/// Applies; it must do so in one commit, on legacy of each family, and leave nothing to do.
fn apply_once(host: &Host, words: &str) {
    let before = (host.writes(), host.starts().len());
    host.ck_ok(&format!("apply {words}"), 0);
    match host.on() {
        On::Nft => assert_eq!(host.writes(), before.0 + 1, "not one commit"),
        On::Legacy => {
            let mut names = host.starts().split_off(before.1);
            names.retain(|name| name.ends_with("-restore"));
            let all = names.len();
            names.sort();
            names.dedup();
            assert!(all > 0 && all == names.len(), "not one commit: {names:?}");
        }
    }
    host.ck_ok(&format!("diff {words}"), 0);
}

/// `apply` finds nothing to do and writes nothing; what `diff` says meanwhile.
fn stays_as_it_is(host: &Host) -> String {
    let before = (host.writes(), chains(host));
    let text = host.ck_ok("diff", 0);
    host.ck_ok("apply", 0);
    assert!(before == (host.writes(), chains(host)), "something was written");
    text
}

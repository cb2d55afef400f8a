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

use crate::support::{Host, Scratch};
use std::collections::BTreeMap;

/// Both families, as iptables' command and as nft's word.
const FAMILIES: [(&str, &str); 2] = [("iptables-nft", "ip"), ("ip6tables-nft", "ip6")];

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
fn kept_host() -> Host {
    let host = Host::new();
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

/// The rules of a chain as `-S` prints them.
fn rules(host: &Host, tool: &str, table: &str, chain: &str) -> Vec<String> {
    let text = host.sh(&format!("{tool} -t {table} -S {chain}"));
    text.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect()
}

/// The chains of ours that a table of that family has, sorted.
fn our_chains(host: &Host, family: &str) -> Vec<String> {
    let ours = |(table, chain): (String, String)| {
        let ours = chain.starts_with("KUBE-") || chain.starts_with("CHAINKEEPER-");
        let table = table.strip_prefix(family).and_then(|t| t.strip_prefix(' '))?;
        ours.then(|| format!("{table} {chain}"))
    };
    chains(host).into_keys().filter_map(ours).collect()
}

/// Every chain of the namespace, by table (`ip nat`) and name: its listing with handles and counters.
fn chains(host: &Host) -> BTreeMap<(String, String), Vec<String>> {
    let listing = host.sh("nft -a list ruleset");
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

/// The same of one chain.
fn chain(host: &Host, table: &str, name: &str) -> Vec<String> {
    let key = (table.to_owned(), name.to_owned());
    chains(host).remove(&key).unwrap_or_else(|| panic!("no chain {table} {name}"))
}

/// The handle of the only rule in a chain's listing that holds these words.
fn handle(listing: &[String], words: &str) -> String {
    let found: Vec<_> = listing.iter().filter(|l| l.contains(words)).collect();
    assert_eq!(found.len(), 1, "`{words}` in {listing:#?}");
    found[0].rsplit(' ').next().expect("rsplit gives one at least").to_owned()
}

/// Applies; it must do so in one commit and leave nothing to do.
fn apply_once(host: &Host, words: &str) {
    let before = host.generation();
    host.ck_ok(&format!("apply {words}"), 0);
    assert_eq!(host.generation(), before + 1, "not one commit");
    host.ck_ok(&format!("diff {words}"), 0);
}

/// `apply` finds nothing to do and writes nothing; what `diff` says meanwhile.
fn stays_as_it_is(host: &Host) -> String {
    let before = (host.generation(), chains(host));
    let text = host.ck_ok("diff", 0);
    host.ck_ok("apply", 0);
    assert!(before == (host.generation(), chains(host)), "something was written");
    text
}

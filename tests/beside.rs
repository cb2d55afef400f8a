//! The running service beside others who write to the same tables. None of them fails because of us, what
//! they set up stays as they set it up, and once they are quiet ours is whole again.
mod deleting;
mod firewalld;
mod flushing;
pub(crate) mod kube_proxy;
mod kubelet;
mod pausing;
pub(crate) mod shapes;
mod uninstalling;

use crate::support::{Host, On, PROGRAM, Running, Scratch, eventually};
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};

/// Starts `run` with these words, and waits until all is in place.
pub(crate) fn service(host: &Host, words: &str) -> Running {
    let run = host.start(PROGRAM, &format!("run {words}"));
    let live = || host.ck("check --live").code == 0;
    eventually("the service runs and all is in place", || live() && is_whole(host, words));
    run
}

/// Nothing is missing. `words`: those of the service.
pub(crate) fn is_whole(host: &Host, words: &str) -> bool {
    host.ck(&format!("diff {words}")).code == 0
}

/// A script that is left running, with `sh`.
fn looping(host: &Host, script: &str) -> (Running, Scratch) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("looping-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let file = Scratch::new(&name, script);
    (host.start("sh", &file.path()), file)
}

/// Both cores have something else to do until this is dropped.
pub(crate) fn loaded(host: &Host) -> Vec<(Running, Scratch)> {
    (0..2).map(|_| looping(host, "while :; do :; done")).collect()
}

/// What the service tells of what happened so far.
pub(crate) fn events(host: &Host) -> Vec<Value> {
    let text = host.ck_ok("events --output json", 0);
    text.lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect()
}

/// Those of the repairs that mended this chain of that family (`ip`).
fn repairs<'a>(events: &'a [Value], family: &str, chain: &str) -> Vec<&'a Value> {
    let family = if family == "ip" { "ipv4" } else { "ipv6" };
    let of = |taken: &Value| taken["family"] == family && taken["chain"] == chain;
    let took = |event: &Value| event["took"].as_array().is_some_and(|all| all.iter().any(of));
    let repaired = |event: &&Value| event["outcome"]["outcome"] == "repaired" && took(event);
    events.iter().filter(repaired).collect()
}

/// The chains of which it was said that they are left to others.
pub(crate) fn yielded(events: &[Value]) -> Vec<String> {
    let chain = |event: &Value| event["chain"]["chain"].as_str().map(str::to_owned);
    events.iter().filter(|event| event["event"] == "yielded").filter_map(chain).collect()
}

/// A screen in one line.
fn unwrapped(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is there of others, in both families: policies but for ACCEPT, chains, rules; and what nft alone
/// shows.
pub(crate) fn of_others(host: &Host) -> String {
    let mut found = String::new();
    for tool in host.on().both_iptables() {
        let save = host.sh(&format!("{tool}-save"));
        let mut tables: Vec<Vec<&str>> = Vec::new();
        for line in save.lines().filter(|line| !line.starts_with('#')) {
            let ours = line.contains("KUBE-") || line.contains("CHAINKEEPER-");
            let empty = line.starts_with(':') && line.contains(" ACCEPT ") || line == "COMMIT";
            if line.starts_with('*') {
                tables.push(vec![line]);
            } else if let (false, Some(table)) = (ours || empty, tables.last_mut()) {
                table.push(line.split(" [").next().unwrap_or(line));
            }
        }
        tables.retain(|table| table.len() > 1);
        tables.sort();
        found += &format!("{tool}\n{}\n", tables.concat().join("\n"));
    }
    if host.on() == On::Nft {
        found += &host.sh("nft list tables | grep -vE ' ip6? (nat|filter|mangle)$' || :");
        found += &host.sh("nft list ruleset inet");
    }
    found
}

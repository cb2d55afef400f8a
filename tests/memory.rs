//! What is remembered between runs: believed only where it proves something, written whole, by those who
//! write, and kept in mind where it cannot be written.
mod broken;
mod writers;

use crate::support::{Host, On, PROGRAM, eventually};
use serde_json::{Value, json};

fn state(host: &Host) -> Value {
    let text = std::fs::read_to_string(host.state()).expect("a state file");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn write(host: &Host, state: &Value) {
    std::fs::write(host.state(), state.to_string()).expect("the target directory can be written");
}

/// Such as `legacy 19 remembered`.
fn chosen(host: &Host) -> String {
    let probe: Value = serde_json::from_str(&host.ck_ok("probe --output json", 0)).expect("JSON");
    let word = |key: &str| probe["backend"][key].as_str().expect("a word").to_owned();
    format!("{} {} {}", word("kind"), word("row"), word("basis"))
}

#[test]
fn an_apply_writes_down_its_choice_and_what_it_created() {
    for backend in ["nft", "legacy"] {
        let host = Host::unknown();
        host.sh(&format!("iptables-{backend} -t mangle -N KUBE-IPTABLES-HINT"));
        host.ck_ok("apply", 0);
        let state = state(&host);
        assert_eq!(state["version"], 1);
        assert_eq!(state["choice"], json!({ "backend": backend, "evidence": true }));
        let created = state["created"].as_array().expect("a list").len();
        // nft's chains carry a mark. In legacy, all but the hint is ours, and its own canary.
        assert_eq!(created, if backend == "nft" { 0 } else { 15 });
    }
}

#[test]
fn what_was_asked_for_says_nothing_of_the_host_and_is_not_remembered() {
    let host = Host::of(On::Nft);
    host.ck_ok("apply --backend legacy", 0);
    assert_eq!(state(&host)["choice"]["backend"], "nft");
    assert_eq!(chosen(&host), "nft 19 remembered");
}

/// Inode numbers and boots come again: what was created there proves nothing here.
#[test]
fn of_another_boot_or_namespace_the_choice_is_believed_and_nothing_else() {
    for (key, other) in
        [("boot", "another"), ("namespace", "net:[1]"), ("boot", ""), ("namespace", "")]
    {
        let host = Host::of(On::Legacy);
        host.ck_ok("apply", 0);
        let mut known = state(&host);
        assert_eq!(known["created"].as_array().expect("a list").len(), 16);
        known[key] = json!(other);
        known["kube_proxy"] = json!(true);
        write(&host, &known);
        let before = host.legacy_tables();
        let text = host.ck_ok("remove", 0);
        assert!(text.contains("nothing proves that we made it"), "{key} {other}: {text}");
        assert_eq!(host.legacy_tables(), before, "{key} {other}");
        assert!(!host.ck_ok("diff", 0).contains("CHAINKEEPER-DROP"), "{key} {other}");
    }
    let host = Host::of(On::Legacy);
    assert_eq!(chosen(&host), "legacy 19 remembered");
}

#[test]
fn a_kube_proxy_once_seen_stays_seen_after_its_chains_are_flushed() {
    for (backend, flush) in [
        ("nft", "nft flush ruleset"),
        (
            "legacy",
            "for i in ip ip6; do for t in nat filter mangle; do \
                    ${i}tables-legacy -t $t -F; ${i}tables-legacy -t $t -X; done; done",
        ),
    ] {
        let host = Host::of(On::named(backend));
        host.sh(&format!("iptables-{backend} -t mangle -N KUBE-PROXY-CANARY"));
        host.ck_ok("apply", 0);
        host.sh(flush);
        host.ck_ok("apply", 0);
        let drops = |host: &Host| {
            let rules = host.sh(&format!("iptables-{backend} -S; ip6tables-{backend} -S"));
            let drops = rules.lines().filter(|l| l.contains("0x8000/0x8000"));
            drops.map(|l| l.split(' ').nth(1).expect("a chain").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(drops(&host), ["CHAINKEEPER-DROP"; 2], "{backend}");
        // Until the next boot.
        host.sh(flush);
        let mut known = state(&host);
        known["boot"] = json!("another");
        write(&host, &known);
        host.ck_ok("apply", 0);
        assert_eq!(drops(&host), ["KUBE-FIREWALL"; 2], "{backend}");
    }
}

#[test]
fn a_sandbox_neither_reads_nor_writes_it() {
    for host in [Host::unknown(), Host::of(On::Legacy)] {
        let before = std::fs::read(host.state()).ok();
        let mut run = host.start(PROGRAM, "run --sandbox --sync-period 100ms");
        eventually("it has written", || run.journal().contains("one commit"));
        assert!(run.journal().contains(": nft: "), "{}", run.journal());
        run.signal("TERM");
        assert_eq!(run.ended(), 0);
        assert_eq!(std::fs::read(host.state()).ok(), before);
    }
}

/// Others would follow a hint. Our own chains are no evidence, be it known or not who made them.
#[test]
fn a_guess_stays_one_when_it_is_forgotten() {
    for (backend, version) in [("nft", "v1.8.9 (nf_tables)"), ("legacy", "v1.8.9 (legacy)")] {
        let host = Host::unknown();
        host.plain(version);
        let no_hint = || {
            host.ck_ok("apply", 0);
            let chains = host.sh(&format!("iptables-{backend} -t mangle -S"));
            assert!(chains.contains("CANARY") && !chains.contains("HINT"), "{backend}: {chains}");
        };
        no_hint();
        std::fs::remove_file(host.state()).expect("a state file");
        no_hint();
        // Nor does a later one take its own choice for evidence.
        no_hint();
        assert_eq!(state(&host)["choice"], json!({ "backend": backend, "evidence": false }));
    }
}

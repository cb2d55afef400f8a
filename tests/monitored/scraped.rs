//! What is served at /metrics is what happened, and what the kernel says.
mod pages;
mod states;

use super::culprits::{Stop, flush, named};
use super::wipe::{Kind, Wipe, whole};
use super::{keeping, quick};
use crate::support::{ADDRESS, Host, On, at_once, eventually, promtool};
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{Backend as _, Family, Plan, Step, Table};
use chainkeeper_nft::{NftBackend, Setup};
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SERVED: &str = "--metrics-bind-address 9253";

/// What promtool has to say of what is served now.
fn is_liked(host: &Host) {
    let text = host.get(ADDRESS, "/metrics").expect("it is served").text;
    let said = promtool(&text);
    assert!(
        said.is_none_or(|said| said.is_empty()),
        "{}\n{text}",
        promtool(&text).unwrap_or_default()
    );
}

#[test]
fn after_many_wipes_the_counts_are_those_of_the_wipes_on_nft() {
    wiped(On::Nft, 40);
}

#[test]
fn after_many_wipes_the_counts_are_those_of_the_wipes_on_legacy() {
    wiped(On::Legacy, 15);
}

fn wiped(on: On, count: usize) {
    let host = Host::of(on);
    let (_run, story) = keeping(&host, &format!("{} {SERVED}", quick(on)));
    let all = whole(&host);
    is_liked(&host);
    let before = (host.writes(), host.scrape());
    assert_eq!(before.1.sum("losses_total"), 0.0);
    assert!(before.1.at("commits_total") >= 1.0);
    let kinds = [Kind::Everything, Kind::Table, Kind::Flush, Kind::Delete, Kind::Rule, Kind::Jump];
    let mut dice = Dice::seeded(7, count * 200);
    let (mut lost, mut repaired, mut took_by) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for _ in 0..count {
        let wipe = Wipe::random(&mut dice, &kinds, on, &all);
        wipe.commit(&host, &all).expect("it is there");
        story.repaired();
        *took_by.entry(wipe.writer()).or_insert(0.0) += 1.0;
        let mut places = Vec::new();
        for taken in wipe.took(&all) {
            let place = format!("family=\"{}\",table=\"{}\"", taken.key.family, taken.key.table);
            let mut add = |kind: &str, n: usize| {
                *lost.entry(format!("{place},kind=\"{kind}\"")).or_insert(0.0) += n as f64;
            };
            add("chain", usize::from(taken.loss.absent));
            add("rule", taken.loss.rules);
            add("jump", taken.loss.jumps);
            places.push(place);
        }
        places.dedup();
        for place in places {
            *repaired.entry(place).or_insert(0.0) += 1.0;
        }
    }
    let after = host.scrape();
    for (labels, n) in &lost {
        assert_eq!(after.at(&format!("losses_total{{{labels}}}")), *n, "{labels}");
    }
    assert_eq!(after.sum("losses_total"), lost.values().sum::<f64>());
    for (labels, n) in &repaired {
        assert_eq!(after.at(&format!("repairs_total{{{labels}}}")), *n, "{labels}");
    }
    for histogram in ["gap", "repair"] {
        assert_eq!(after.at(&format!("{histogram}_seconds_count")), count as f64);
        assert_eq!(after.at(&format!("{histogram}_seconds_bucket{{le=\"+Inf\"}}")), count as f64);
    }
    assert_eq!(after.sum("missing"), 0.0);
    assert_eq!(after.sum("in_sync"), 6.0);
    let ours = after.at("commits_total") - before.1.at("commits_total");
    match on {
        On::Nft => {
            // Each wipe is one commit.
            assert_eq!(ours, (host.writes() - before.0 - count) as f64);
            assert_eq!(after.at("generation"), f64::from(host.generation()));
            for (name, n) in &took_by {
                assert_eq!(
                    after.at(&format!("culprits_total{{command=\"{name}\"}}")),
                    *n,
                    "{name}"
                );
            }
        }
        On::Legacy => {
            assert_eq!(ours, (host.writes() - before.0) as f64);
            assert_eq!(after.get("generation"), None);
            assert_eq!(after.at("culprits_total{command=\"unknown\"}"), count as f64);
        }
    }
    is_liked(&host);
}

/// By the rule's own words, from a save with counters.
fn counted(host: &Host) -> BTreeMap<String, (f64, f64)> {
    let mut all = BTreeMap::new();
    for (tool, family) in host.on().both_iptables().into_iter().zip(["ip", "ip6"]) {
        let save = host.sh(&format!("{tool}-save -c"));
        let mut table = "";
        for line in save.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            }
            let Some((counts, rule)) = line.strip_prefix('[').and_then(|l| l.split_once("] -A "))
            else {
                continue;
            };
            let (chain, rule) = rule.split_once(' ').unwrap_or((rule, ""));
            let rule = rule.replace('\\', "\\\\").replace('"', "\\\"");
            let (packets, bytes) = counts.split_once(':').expect("packets:bytes");
            let number = |text: &str| text.parse().expect("a number");
            let labels = format!(
                "{{family=\"{family}\",table=\"{table}\",chain=\"{chain}\",rule=\"{rule}\"}}"
            );
            all.insert(labels, (number(packets), number(bytes)));
        }
    }
    all
}

#[test]
fn the_counts_of_rules_are_those_of_the_kernel() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        let (_run, _story) = keeping(&host, &format!("--settle 10ms {SERVED}"));
        let tool = on.both_iptables()[0];
        host.sh(&format!("{tool} -w 5 -t nat -A OUTPUT -p udp --dport 7 -j KUBE-MARK-MASQ"));
        host.sh(&format!("{tool} -w 5 -t nat -A OUTPUT -p udp --dport 9 -j KUBE-MARK-DROP"));
        for round in 1..=2 {
            host.inside(|| {
                let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
                for port in [7, 9] {
                    let _ = socket.send_to(b"12345678", ("127.0.0.1", port));
                }
            });
            if on == On::Legacy {
                // In legacy a look starts programs: not for each scrape.
                let starts = host.starts().len();
                let first = host.scrape().sum("rule_packets");
                for _ in 0..9 {
                    host.scrape();
                }
                // Two for the first of them; a look of the service's own may come in between.
                assert!(host.starts().len() <= starts + 6, "{:?}", &host.starts()[starts..]);
                assert!(host.scrape().sum("rule_packets") >= first);
                std::thread::sleep(LEGACY_FRESH);
            }
            std::thread::sleep(Duration::from_millis(150));
            let (served, said) = (host.scrape(), counted(&host));
            let mut seen = 0;
            for (name, packets) in served.all("rule_packets_total") {
                let labels = name.strip_prefix("chainkeeper_rule_packets_total").expect("prefix");
                let (p, b) = said.get(labels).unwrap_or_else(|| panic!("{labels} in {said:#?}"));
                assert_eq!(packets, *p, "{labels}");
                assert_eq!(served.at(&format!("rule_bytes_total{labels}")), *b, "{labels}");
                seen += 1;
            }
            assert_eq!(seen, 13);
            let masq = "rule_packets_total{family=\"ip\",table=\"nat\",chain=\"KUBE-MARK-MASQ\"";
            assert_eq!(served.sum(masq), f64::from(round));
        }
    });
}

/// A little more than what is asked for anew.
const LEGACY_FRESH: Duration = Duration::from_millis(10_200);

/// A writer may call itself anything.
#[test]
fn a_hostile_name_is_a_label_like_any_other() {
    let host = Host::new();
    let (_run, story) = keeping(&host, &format!("{} {SERVED}", quick(On::Nft)));
    named(&host, "a\"b\\c} 1\n", || {
        let mut nft = NftBackend::open(Setup::default()).expect("netlink");
        flush(&mut nft);
    });
    story.repaired();
    let text = host.get(ADDRESS, "/metrics").expect("it is served").text;
    let lines: Vec<&str> = text.lines().filter(|l| l.contains("culprits_total{")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    // Made harmless once when it is read, and once more as a label.
    assert!(lines[0].contains("a\\\"b") && lines[0].ends_with("} 1"), "{lines:?}");
    is_liked(&host);
}

/// What others do between a look and its write: they commit all the time.
#[test]
fn writes_that_begin_anew_are_counted() {
    let host = Host::new();
    let (_run, _story) = keeping(&host, &format!("--on-conflict insist --settle 0 {SERVED}"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let busy = || host.inside(|| commits_until(&stop));
        let others = scope.spawn(busy);
        let ended = Stop(&stop);
        eventually("one is counted", || {
            host.sh("nft flush chain ip nat KUBE-MARK-MASQ");
            host.scrape().at("commit_restarts_total") > 0.0
        });
        drop(ended);
        assert!(others.join().expect("it ends") > 0);
    });
}

/// Commits what harms nobody, without rest. How often.
fn commits_until(stop: &AtomicBool) -> usize {
    let mut nft = NftBackend::open(Setup::default()).expect("netlink");
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let (table, chain) = (Table::Nat, format!("HARMLESS-{count}").as_str().into());
        let families = BTreeMap::from([(Family::Ipv6, vec![Step::CreateChain { table, chain }])]);
        count += nft.apply(&Plan { generation: None, families }).expect("apply").commits as usize;
    }
    count
}

//! `run --observe` and `--keep`: what is only watched is told and never written.
use super::wipe::{Kind, Wipe, whole};
use super::{sole, started};
use crate::support::{Host, On, at_once, eventually};
use chainkeeper::status::TableState;
use chainkeeper::story::Outcome;
use chainkeeper_contract::{Family, Table};
use std::time::Duration;

fn wipes(on: On) -> [Wipe; 4] {
    let wipe = |kind, family, table, chain: &str| {
        let chain = chain.to_owned();
        Wipe { kind, on, family, table, chain, n: 0 }
    };
    [
        wipe(Kind::Flush, Family::Ipv4, Table::Filter, "KUBE-FIREWALL"),
        wipe(Kind::Jump, Family::Ipv6, Table::Nat, "KUBE-POSTROUTING"),
        wipe(Kind::Delete, Family::Ipv4, Table::Nat, "KUBE-MARK-MASQ"),
        wipe(Kind::Table, Family::Ipv6, Table::Filter, ""),
    ]
}

/// Not the host's own: what a run that only watches would remember and lock.
const LEFT: [&str; 3] = ["state.json", "state.json.lock", "xtables.lock"];

fn forget(host: &Host) {
    let folder = host.state();
    for name in LEFT {
        let _ = std::fs::remove_file(folder.with_file_name(name));
    }
}

#[test]
fn what_is_only_observed_is_told_and_never_written() {
    at_once(On::BOTH, observed);
}

fn observed(on: On) {
    let host = Host::of(on);
    host.ck_ok("apply", 0);
    let all = whole(&host);
    let words = format!("--observe --backend {} --settle 20ms --sync-period 200ms", on.name());
    forget(&host);
    let _run = started(&host, &words);
    let story = super::Story::of(&host);
    for wipe in wipes(on) {
        let pid = wipe.commit(&host, &all).expect("it is there");
        let written = (host.writes(), whole(&host));
        let gap = story.gap();
        assert!(matches!(gap.outcome, Outcome::WouldRepair { .. }), "{gap:?}");
        assert_eq!(gap.took, wipe.took(&all));
        match on {
            On::Nft => {
                let culprit = sole(&gap.by).unwrap_or_else(|| panic!("{gap:?}"));
                assert_eq!(culprit.name.as_deref(), Some(wipe.writer()));
                assert!(culprit.process.as_ref().is_none_or(|p| p.pid == pid), "{culprit:?}");
            }
            On::Legacy => assert_eq!(chainkeeper::report::who(&gap.by), "unknown"),
        }
        story.is_silent(Duration::from_millis(500)); // through two sync periods
        assert_eq!((host.writes(), whole(&host)), written, "{on:?}: something was written");
        let left = || LEFT.into_iter().filter(|n| host.state().with_file_name(n).exists());
        // The tools of whoever wipes take the lock, too.
        let left: Vec<&str> =
            left().filter(|n| on == On::Nft || !n.starts_with("xtables")).collect();
        assert_eq!(left, [""; 0]);
        let tables = host.status().expect("it answers").families;
        assert_eq!(tables[&wipe.family][&wipe.table], TableState::Watched);
        host.ck_ok(&format!("apply --backend {}", on.name()), 0);
        let gap = story.gap();
        assert!(matches!(gap.outcome, Outcome::Returned { .. }), "{gap:?}");
        assert_eq!(whole(&host), all);
        forget(&host);
    }
}

/// Nor by looking: asking x_tables for a table makes it, and an empty one costs each packet.
#[test]
fn where_nothing_is_observing_makes_nothing() {
    for on in On::BOTH {
        let host = Host::of(on);
        let before = host.writes();
        let tables = || host.inside(super::whole::tables_of_legacy);
        forget(&host);
        assert_eq!(tables(), "");
        let _run =
            started(&host, &format!("--observe --backend {} --sync-period 100ms", on.name()));
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(tables(), "", "{on:?}");
        assert_eq!(host.writes(), before, "{on:?}");
        assert_eq!(host.sh("nft list ruleset"), "");
        let left = host.files();
        assert!(!left.iter().any(|name| LEFT.contains(&name.as_str())), "{on:?}: {left:?}");
    }
}

#[test]
fn what_is_not_kept_is_told_and_the_rest_repaired() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        let all = whole(&host);
        let keep = "--keep nat,filter/KUBE-FIREWALL --on-conflict insist";
        let _run = started(&host, &format!("{keep} --settle 20ms --sync-period 200ms"));
        let story = super::Story::of(&host);
        eventually("it is in sync", || host.is_in_sync());
        for family in Family::ALL {
            let (table, chain) = (Table::Nat, String::new());
            let wipe = Wipe { kind: Kind::Everything, on, family, table, chain, n: 0 };
            wipe.commit(&host, &all).expect("it is there");
            let (mut kept, mut watched) = (vec![], vec![]);
            while kept.len() + watched.len() < wipe.took(&all).len() {
                let gap = story.gap();
                match gap.outcome {
                    Outcome::Repaired { .. } => kept.extend(gap.took),
                    Outcome::WouldRepair { .. } => watched.extend(gap.took),
                    Outcome::Returned { .. } => panic!("{gap:?}"),
                }
            }
            let is_kept = |t: Table| t != Table::Mangle;
            let mut took = wipe.took(&all);
            took.retain(|t| is_kept(t.key.table));
            assert_eq!(kept, took);
            assert!(watched.iter().all(|t| !is_kept(t.key.table)), "{watched:?}");
            let lines = |family: Family| {
                let mut lines = all[&family].clone();
                lines.retain(|(table, _)| is_kept(*table));
                lines
            };
            assert_eq!(whole(&host)[&family], lines(family), "{on:?}");
            host.ck_ok("apply", 0);
            let gap = story.gap();
            assert!(matches!(gap.outcome, Outcome::Returned { .. }), "{gap:?}");
            assert_eq!(whole(&host), all, "{on:?}");
        }
    }
}

/// A kube-proxy comes, and so the drop rule gets a chain of its own: nobody has taken that.
#[test]
fn what_is_wanted_since_somebody_came_was_taken_by_nobody() {
    let host = Host::new();
    let run = started(&host, "");
    eventually("it is in sync", || host.is_in_sync());
    host.sh("iptables-nft -t nat -N KUBE-SERVICES");
    eventually("it is made", || host.sh("iptables-nft -S").contains("-N CHAINKEEPER-DROP"));
    std::thread::sleep(Duration::from_millis(500));
    assert!(!run.journal().contains("taken by"), "{}", run.journal());
    host.sh("iptables-nft -F CHAINKEEPER-DROP");
    eventually("but that was", || run.journal().contains("taken by iptables-nft"));
}

/// What comes between the first look and the first question is news, too.
#[test]
fn asking_misses_nothing_that_happens_while_it_starts() {
    for pause in [0, 1, 2, 3, 5, 8, 13] {
        let host = Host::new();
        let run = host.start(crate::support::PROGRAM, "run --watch poll");
        eventually("it has written", || run.journal().contains("one commit"));
        std::thread::sleep(Duration::from_millis(pause));
        host.sh("iptables-nft -t nat -F KUBE-MARK-MASQ");
        eventually("it is back", || {
            host.sh("iptables-nft -t nat -S KUBE-MARK-MASQ").contains("-j MARK")
        });
    }
}

#[test]
fn a_chain_that_no_profile_keeps_is_a_mistake() {
    let host = Host::new();
    let said = host.ck("check --keep nat,filter/KUBE-FIREWAL");
    assert!(said.code == 2 && said.stderr.contains("filter/KUBE-FIREWAL"), "{said:?}");
}

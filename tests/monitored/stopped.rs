//! The service stands still (SIGSTOP) while others write: a suspended machine, a frozen cgroup, a debugger.
use super::wipe::{Kind, Wipe, whole};
use super::{culprits, keeping, quick, sole};
use crate::support::{Host, On, at_once};
use chainkeeper::story::Taken;
use chainkeeper_contract::{Family, Table};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Each of something that the others leave alone.
fn wipes(on: On) -> [Wipe; 5] {
    let wipe = |kind, family, table, chain: &str| {
        let chain = chain.to_owned();
        Wipe { kind, on, family, table, chain, n: 0 }
    };
    [
        wipe(Kind::Flush, Family::Ipv4, Table::Filter, "KUBE-FIREWALL"),
        wipe(Kind::Jump, Family::Ipv6, Table::Filter, "KUBE-FIREWALL"),
        wipe(Kind::Rule, Family::Ipv6, Table::Nat, "KUBE-POSTROUTING"),
        wipe(Kind::Delete, Family::Ipv6, Table::Nat, "KUBE-MARK-MASQ"),
        wipe(Kind::Table, Family::Ipv4, Table::Nat, ""),
    ]
}

#[test]
fn after_ten_seconds_of_standing_still_it_repairs_once() {
    at_once(On::BOTH, still);
}

fn still(on: On) {
    let host = Host::of(on);
    let (run, story) = keeping(&host, quick(on));
    let all = whole(&host);
    run.signal("STOP");
    let began = Instant::now();
    let mut took: Vec<Taken> = Vec::new();
    for wipe in wipes(on) {
        sleep(Duration::from_millis(1900));
        wipe.commit(&host, &all).expect("it is there");
        took.extend(wipe.took(&all));
    }
    took.sort_by(|a, b| a.key.cmp(&b.key));
    sleep(Duration::from_secs(10).saturating_sub(began.elapsed()));
    let before = host.writes();
    run.signal("CONT");
    let gap = story.repaired();
    assert_eq!(gap.took, took);
    story.is_silent(Duration::from_millis(500));
    assert_eq!(whole(&host), all);
    // One commit; on legacy, one restore of each family.
    let writes = host.writes() - before;
    assert_eq!(writes, if on == On::Nft { 1 } else { 2 });
    match on {
        On::Nft => {
            let mut names: Vec<_> = culprits(&gap.by).filter_map(|c| c.name.clone()).collect();
            names.sort();
            names.dedup();
            assert_eq!(names, ["ip6tables-nft-r", "iptables-nft-re", "nft"]);
            assert_eq!(gap.by.len(), 1);
            assert!(!gap.by[0].incomplete, "{gap:?}");
        }
        On::Legacy => assert!(gap.by.iter().all(|by| by.incomplete), "{gap:?}"),
    }
}

/// The queue of its socket holds some hundred commits. Who is behind those that did not get in it, nobody
/// knows.
#[test]
fn more_commits_than_its_queue_holds_are_looked_at_and_nobody_is_blamed() {
    let host = Host::new();
    let (run, story) = keeping(&host, quick(On::Nft));
    let all = whole(&host);
    let [flush, jump, ..] = wipes(On::Nft);
    run.signal("STOP");
    host.storm("A", 1000);
    flush.commit(&host, &all).expect("it is there");
    host.storm("B", 1000);
    run.signal("CONT");
    let gap = story.repaired();
    assert_eq!(gap.took, flush.took(&all));
    assert!(gap.by.iter().all(|by| by.any_of.is_empty() && by.incomplete), "{gap:?}");
    assert_eq!(chainkeeper::report::who(&gap.by), "unknown");
    assert_eq!(gap.commits, Some(2001), "the generation tells how many there were");

    // What happens from now on is told again.
    story.is_silent(Duration::from_millis(100));
    jump.commit(&host, &all).expect("it is there");
    let gap = story.repaired();
    let culprit = sole(&gap.by).unwrap_or_else(|| panic!("{gap:?}"));
    assert_eq!(culprit.name.as_deref(), Some(jump.writer()));
    story.is_silent(Duration::from_millis(300));
}

//! Twenty thousand rules come in at once beside the service.
use super::wipe::{Kind, Wipe, whole};
use super::{keeping, sole, status};
use crate::support::{Host, On, Running, Scratch, eventually};
use chainkeeper_contract::testing::big_restore;
use chainkeeper_contract::{Family, Table};
use std::fs::read_to_string;
use std::time::Duration;

const RULES: usize = 20_000;

/// What the service sends to the kernel, counted by strace(1).
struct Sends {
    strace: Running,
    file: Scratch,
}

impl Sends {
    fn of(host: &Host, run: &Running) -> Sends {
        let file = Scratch::new("sends", "");
        let words = format!("-f -e trace=sendto,sendmsg -o {} -p {}", file.path(), run.pid());
        let strace = host.start("strace", &words);
        eventually("strace watches", || strace.journal().contains("attached"));
        Sends { strace, file }
    }

    /// Since the last time, once there are no more of them.
    fn count(&self) -> usize {
        let lines = || read_to_string(self.file.path()).expect("strace writes");
        let mut before = None;
        eventually("it comes to rest", || {
            std::thread::sleep(Duration::from_millis(300));
            let now = Some(lines().len());
            std::mem::replace(&mut before, now) == now
        });
        let netlink = |l: &&str| l.contains("nl_pid") || l.contains("nlmsg");
        let count = lines().lines().filter(netlink).count();
        self.file.write("");
        count
    }
}

impl Drop for Sends {
    /// Killed, it would leave the service as it found it, but only after a while.
    fn drop(&mut self) {
        self.strace.signal("INT");
        self.strace.ended();
    }
}

#[test]
fn twenty_thousand_rules_beside_it_cost_one_look() {
    let host = Host::new();
    let (run, story) = keeping(&host, "--settle 10ms");
    let sends = Sends::of(&host, &run);
    assert_eq!(sends.count(), 0, "it was at rest");
    let by = |text: String| host.feed("iptables-nft-restore --noflush", &text).1.expect("restored");
    by(big_restore(1));
    let look = sends.count();
    assert!(look > 0);
    let before = host.generation();
    by(big_restore(RULES));
    let all = sends.count();
    println!("a look: {look} messages; {all} beside {RULES} rules");
    assert!(all <= look, "more than a look: {all} messages instead of {look}");
    drop(sends);
    assert_eq!(host.generation(), before + 1, "something was written");
    story.is_silent(Duration::from_millis(100));
    assert!(status(&host).is_some_and(|s| s.in_sync() && s.watch == "events"));
    host.ck_ok("diff", 0);
    assert!(!run.journal().contains("WARN"), "{}", run.journal());
}

/// As firewalls and Docker's `iptables-restore` without --noflush do.
#[test]
fn a_wipe_in_the_same_restore_is_repaired_and_told_by_its_name() {
    let host = Host::new();
    let (_run, story) = keeping(&host, "--settle 10ms");
    let all = whole(&host);
    for round in 1..=2 {
        let (pid, done) = host.feed("iptables-nft-restore", &big_restore(RULES));
        done.expect("restored");
        let gap = story.repaired();
        // A table is taken as a whole, built-in chains with it.
        let (on, family, table) = (On::Nft, Family::Ipv4, Table::Filter);
        let table = Wipe { kind: Kind::Table, on, family, table, chain: String::new(), n: 0 };
        assert_eq!(gap.took, table.took(&all), "round {round}");
        let culprit = sole(&gap.by).unwrap_or_else(|| panic!("{gap:?}"));
        assert_eq!(culprit.name.as_deref(), Some("iptables-nft-re"));
        assert!(culprit.process.as_ref().is_none_or(|process| process.pid == pid), "{culprit:?}");
        host.ck_ok("diff", 0);
    }
    story.is_silent(Duration::from_millis(300));
    let saved = host.sh("iptables-nft-save -t filter | grep -c -- '-A BIG'");
    assert_eq!(saved.trim(), RULES.to_string(), "theirs stay");
}

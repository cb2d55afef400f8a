//! Twenty thousand rules come in at once beside the service, or many commits.
use super::wipe::{Kind, Wipe, whole};
use super::{keeping, sole};
use crate::support::{Host, On, Running, Scratch, eventually};
use chainkeeper_contract::testing::big_restore;
use chainkeeper_contract::{Family, Table};
use std::fs::read_to_string;
use std::time::Duration;

const RULES: usize = 20_000;

/// What the service does, counted by strace(1).
struct Calls {
    strace: Running,
    file: Scratch,
}

impl Calls {
    fn of(host: &Host, run: &Running, calls: &str) -> Calls {
        let file = Scratch::new("calls", "");
        let words = format!("-f -e trace={calls} -o {} -p {}", file.path(), run.pid());
        let strace = host.start("strace", &words);
        eventually("strace watches", || strace.journal().contains("attached"));
        Calls { strace, file }
    }

    /// Messages to the kernel.
    fn sends(&self) -> usize {
        self.count(|line| line.contains("nl_pid") || line.contains("nlmsg"))
    }

    /// Since the last time, once there are no more of them.
    fn count(&self, of: impl Fn(&str) -> bool) -> usize {
        let lines = || read_to_string(self.file.path()).expect("strace writes");
        let mut before = None;
        eventually("it comes to rest", || {
            std::thread::sleep(Duration::from_millis(300));
            let now = Some(lines().len());
            std::mem::replace(&mut before, now) == now
        });
        let count = lines().lines().filter(|line| of(line)).count();
        self.file.write("");
        count
    }
}

impl Drop for Calls {
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
    let calls = Calls::of(&host, &run, "sendto,sendmsg");
    assert_eq!(calls.sends(), 0, "it was at rest");
    let by = |text: String| host.feed("iptables-nft-restore --noflush", &text).1.expect("restored");
    by(big_restore(1));
    let look = calls.sends();
    assert!(look > 0);
    let before = host.generation();
    by(big_restore(RULES));
    let all = calls.sends();
    println!("a look: {look} messages; {all} beside {RULES} rules");
    assert!(all <= look, "more than a look: {all} messages instead of {look}");
    drop(calls);
    assert_eq!(host.generation(), before + 1, "something was written");
    story.is_silent(Duration::from_millis(100));
    assert!(host.status().is_some_and(|s| s.in_sync() && s.watch == "events"));
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

#[test]
fn who_makes_commit_after_commit_is_asked_about_once() {
    let host = Host::new();
    let (run, _story) = keeping(&host, "");
    let calls = Calls::of(&host, &run, "openat");
    run.signal("STOP");
    let lines = |n| format!("add table inet many{n}\n");
    let (pid, done) = host.feed("nft -i", &(0..40).map(lines).collect::<String>());
    done.expect("40 commits");
    run.signal("CONT");
    let folder = format!("\"/proc/{pid}\"");
    assert_eq!(calls.count(|line| line.contains(&folder)), 1);
}

//! The socket that hears of commits fails: by strace(1), which makes system calls of one thread fail.
use super::wipe::{Kind, Wipe, whole};
use super::{Story, keeping, sole, started};
use crate::support::{Host, On, Running, eventually};
use chainkeeper_contract::{Family, Table};
use std::time::Duration;

const FLUSH: Wipe = Wipe {
    kind: Kind::Flush,
    on: On::Nft,
    family: Family::Ipv4,
    table: Table::Filter,
    chain: String::new(),
    n: 0,
};

fn flush(chain: &str, table: Table) -> Wipe {
    Wipe { chain: chain.into(), table, ..FLUSH }
}

/// From now on that thread's calls fail so, until what is returned ends.
fn inject(host: &Host, thread: u32, what: &str) -> Running {
    let call = what.split(':').next().expect("a call");
    let strace = host.start("strace", &format!("-e trace={call} -e inject={what} -p {thread}"));
    eventually("strace watches", || strace.journal().contains("attached"));
    strace
}

/// Leaves the thread as it was.
fn end(mut strace: Running) {
    strace.signal("INT");
    strace.ended();
}

/// A commit that harms nobody.
fn nudge(host: &Host) {
    host.feed("nft add table inet nudge", "").1.expect("added");
}

fn count(run: &Running, words: &str) -> usize {
    run.journal().matches(words).count()
}

const BROKE_OFF: &str = "news of what others write broke off";

#[test]
fn a_socket_that_fails_is_opened_anew_and_hears_again() {
    let host = Host::new();
    let (run, story) = keeping(&host, "--settle 10ms");
    let all = whole(&host);
    // The event loop's own reads; a follower only hears, so nothing else is read there now.
    let strace = inject(&host, run.pid(), "recvfrom:error=EBADF:when=1");
    nudge(&host);
    eventually("it says so", || count(&run, BROKE_OFF) == 1);
    end(strace);
    let why = "cannot hear of commits: refused (errno 9)";
    assert!(run.journal().contains(why), "{}", run.journal());
    for chain in ["KUBE-MARK-MASQ", "KUBE-POSTROUTING"] {
        let wipe = flush(chain, Table::Nat);
        eventually("it hears again", || host.status().is_some_and(|s| s.watch == "events"));
        let pid = wipe.commit(&host, &all).expect("it is there");
        let gap = story.repaired();
        assert_eq!(gap.took, wipe.took(&all));
        if chain == "KUBE-POSTROUTING" {
            let culprit = sole(&gap.by).unwrap_or_else(|| panic!("{gap:?}"));
            assert_eq!(culprit.name.as_deref(), Some(wipe.writer()));
            assert!(culprit.process.as_ref().is_none_or(|p| p.pid == pid), "{culprit:?}");
        }
    }
    assert_eq!(count(&run, BROKE_OFF), 1, "said once: {}", run.journal());
    assert_eq!(whole(&host), all);
}

/// What was taken while it was deaf is found by the look that follows.
#[test]
fn where_it_cannot_be_opened_at_all_it_says_so_once_and_goes_on_repairing() {
    let host = Host::new();
    let run = started(&host, "--settle 10ms --sync-period 300ms");
    eventually("it is in sync", || host.is_in_sync());
    let all = whole(&host);
    // The worker opens it, and sets nothing else up meanwhile that has to be bound.
    let no_group = inject(&host, run.thread("keeper"), "bind:error=EPERM");
    let broken = inject(&host, run.pid(), "recvfrom:error=EBADF:when=1");
    nudge(&host);
    eventually("it says so", || count(&run, BROKE_OFF) == 1);
    end(broken);
    eventually("it says why", || count(&run, "no news of what others write: ") == 1);
    let deaf = host.status().expect("it answers").watch;
    assert!(deaf.contains("operation not permitted (EPERM)"), "{deaf}");
    let story = Story::of(&host);
    for chain in ["KUBE-MARK-MASQ", "KUBE-POSTROUTING"] {
        let wipe = flush(chain, Table::Nat);
        wipe.commit(&host, &all).expect("it is there");
        let gap = story.repaired();
        assert_eq!(gap.took, wipe.took(&all));
        assert_eq!(chainkeeper::report::who(&gap.by), "unknown", "{gap:?}");
    }
    std::thread::sleep(Duration::from_millis(2500)); // it tries each second
    assert_eq!(count(&run, "no news of what others write: "), 1, "{}", run.journal());
    // The reason is gone.
    end(no_group);
    eventually("it hears again", || host.status().is_some_and(|s| s.watch == "events"));
    assert_eq!(whole(&host), all);
}

//! Who is told of what, on a real kernel: each case in a network namespace of its own, with iptables-nft
//! and nft as the writers.
mod support;

use chainkeeper_contract::testing::big_restore;
use chainkeeper_contract::{
    Backend, BackendError, ErrorKind, Family, Plan, Signal, Step, Table, Watch, Way,
};
use chainkeeper_namespace::feed;
use chainkeeper_nft::NftBackend;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use std::collections::BTreeMap;
use std::process::Command;
use support::in_netns;

const BOTH: [Way; 2] = [Way::Told, Way::Ask];

/// A watch that knows what is there.
fn watch(nft: &NftBackend, way: Way) -> Box<dyn Watch> {
    let mut watch = nft.watch(way).expect("CAP_NET_ADMIN");
    assert_eq!(watch.next(), Ok(None), "{way:?}: nothing has happened yet");
    watch
}

/// Everything that there is to hear now, if it ever ends.
fn heard(watch: &mut dyn Watch) -> Vec<Signal> {
    std::iter::from_fn(|| watch.next().expect("CAP_NET_ADMIN")).take(1000).collect()
}

/// The names of those who committed.
fn names(signals: &[Signal]) -> Vec<&str> {
    let mut names = Vec::new();
    for signal in signals {
        names.push(match signal {
            Signal::Commit { writer: Some(writer), .. } => writer.name.as_str(),
            Signal::Commit { writer: None, .. } => "nobody",
            Signal::Lost => "lost",
        });
    }
    names
}

fn run(words: &str) {
    feed(words, "");
}

/// Commits one new chain.
fn commit(nft: &mut NftBackend, chain: &str) {
    let table = Table::Nat;
    let steps = vec![Step::EnsureTable { table }, Step::CreateChain { table, chain: chain.into() }];
    let families = BTreeMap::from([(Family::Ipv4, steps)]);
    let applied = nft.apply(&Plan { generation: None, families }).expect("apply");
    assert_eq!((applied.commits, &applied.families[&Family::Ipv4]), (1, &Ok(())));
}

/// Is this the first namespace of that kind? Its number is fixed (`linux/proc_ns.h`).
fn is_first(kind: &str, number: u32) -> bool {
    let ours = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("/proc");
    ours.as_os_str() == format!("{kind}:[{number}]").as_str()
}

fn readable(watch: &dyn Watch) -> bool {
    let fd = watch.descriptor().expect("it is told");
    let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).expect("poll") > 0
}

#[test]
fn a_commit_is_told_once_with_its_name_its_thread_and_its_generation() {
    in_netns(|nft| {
        let mut watch = watch(nft, Way::Told);
        assert!(!readable(&*watch));
        let process = feed("iptables-nft -w -N A", "");
        assert!(readable(&*watch));
        let signals = heard(&mut *watch);
        let [Signal::Commit { generation, writer: Some(writer) }] = &signals[..] else {
            panic!("{signals:?}")
        };
        assert_eq!(*generation, nft.generation().expect("generation"));
        assert_eq!(writer.name, "iptables-nft");
        // The kernel tells the number that it has in the first namespace of all.
        if is_first("pid", 4_026_531_836) {
            assert_eq!(writer.thread, process);
        }
        assert!(!readable(&*watch));
    });
}

#[test]
fn a_long_name_is_cut_to_fifteen_bytes() {
    in_netns(|nft| {
        let mut watch = watch(nft, Way::Told);
        feed("iptables-nft-restore --noflush", &big_restore(1));
        assert_eq!(names(&heard(&mut *watch)), ["iptables-nft-re"]);
    });
}

#[test]
fn readers_are_silent() {
    in_netns(|nft| {
        feed("iptables-nft-restore --noflush", &big_restore(3));
        let mut watches = BOTH.map(|way| watch(nft, way));
        for words in ["iptables-nft -S", "iptables-nft-save", "nft list ruleset"] {
            run(words);
            nft.survey().expect("survey");
            for watch in &mut watches {
                assert_eq!(heard(&mut **watch), [], "{words}");
            }
        }
    });
}

/// What the filter is for: the queue has room for a part of the messages only. In a user namespace
/// iptables-nft sends nothing beyond net.core.wmem_default.
#[test]
fn a_commit_of_fifty_thousand_rules_is_one_piece_of_news() {
    let count = if is_first("user", 4_026_531_837) { 50_000 } else { 300 };
    in_netns(|nft| {
        let mut watch = watch(nft, Way::Told);
        feed("iptables-nft-restore --noflush", &big_restore(count));
        assert_eq!(names(&heard(&mut *watch)), ["iptables-nft-re"]);
    });
}

#[test]
fn another_namespace_is_not_heard() {
    in_netns(|nft| {
        let mut watches = BOTH.map(|way| watch(nft, way));
        in_netns(|_| run("iptables-nft -w -N A"));
        for watch in &mut watches {
            assert_eq!(heard(&mut **watch), []);
        }
        run("iptables-nft -w -N B");
        for watch in &mut watches {
            assert_eq!(heard(&mut **watch).len(), 1);
        }
    });
}

#[test]
fn our_own_commits_are_told_too() {
    in_netns(|nft| {
        let mut told = watch(nft, Way::Told);
        let mut asked = watch(nft, Way::Ask);
        commit(nft, "A");
        let own = std::fs::read_to_string("/proc/thread-self/comm").expect("/proc");
        assert_eq!(names(&heard(&mut *told)), [own.trim_end()]);
        let generation = nft.generation().expect("generation");
        assert_eq!(heard(&mut *asked), [Signal::Commit { generation, writer: None }]);
    });
}

/// After an overrun the kernel queues nothing until the queue was empty: what is said of the time before
/// is that it is lost, and what comes afterwards is told.
#[test]
fn an_overrun_is_lost_once_and_then_it_goes_on() {
    in_netns(|nft| {
        let mut watch = watch(nft, Way::Told);
        let fd = watch.descriptor().expect("it is told");
        setsockopt(&fd, sockopt::RcvBuf, &0).expect("as small as it can be");
        (0..50).for_each(|n| commit(nft, &n.to_string()));
        assert_eq!(watch.next(), Ok(Some(Signal::Lost)));
        run("iptables-nft -w -N A");
        assert_eq!(names(&heard(&mut *watch)), ["iptables-nft"]);
    });
}

/// The same with the queue as it is: it holds some hundred commits.
#[test]
fn thousands_of_commits_that_nobody_reads_are_lost() {
    in_netns(|nft| {
        let mut watch = watch(nft, Way::Told);
        (0..3000).for_each(|n| commit(nft, &n.to_string()));
        assert_eq!(heard(&mut *watch), [Signal::Lost]);
    });
}

#[test]
fn asking_sees_a_commit_and_nothing_twice() {
    in_netns(|nft| {
        let mut watch = watch(nft, Way::Ask);
        assert!(watch.descriptor().is_none());
        for chain in ["A", "B"] {
            run(&format!("iptables-nft -w -N {chain}"));
            run(&format!("ip6tables-nft -w -N {chain}"));
            let generation = nft.generation().expect("generation");
            let signal = Signal::Commit { generation, writer: None };
            assert_eq!(watch.next(), Ok(Some(signal)), "two commits, one answer");
            assert_eq!(watch.next(), Ok(None));
        }
    });
}

/// What the capability is asked for: the group, and the question. Run again by itself without it.
#[test]
fn without_cap_net_admin_both_ways_are_denied() {
    const SELF: &str = "without_cap_net_admin_both_ways_are_denied";
    if std::env::var_os(SELF).is_none() {
        let without = ["--bounding-set=-net_admin", "--inh-caps=-net_admin"];
        let mut command = Command::new("setpriv");
        command.args(without).arg(std::env::current_exe().expect("this test"));
        let status = command.args(["--exact", SELF]).env(SELF, "1").status();
        assert!(status.expect("setpriv is installed").success());
        return;
    }
    in_netns(|nft| {
        let denied = |error: BackendError, says: &str| {
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert_eq!(error.to_string(), says);
        };
        let told = nft.watch(Way::Told).expect_err("the group is closed");
        denied(told, "cannot listen to commits: operation not permitted (EPERM)");
        let mut asked = nft.watch(Way::Ask).expect("a socket is free");
        let error = asked.next().expect_err("the question is not");
        denied(error, "cannot read nf_tables: operation not permitted (EPERM)");
    });
}

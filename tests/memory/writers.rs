//! Who writes, and what happens when many do at once.
use super::state;
use crate::support::{Host, On, PROGRAM};
use chainkeeper::memory::{Memory, Recalled};
use chainkeeper_contract::{ChainName, Family, Table};
use std::fs;

#[test]
fn what_only_looks_writes_nothing() {
    for host in [Host::unknown(), Host::of(On::Nft), Host::of(On::Legacy)] {
        let known =
            || fs::read(host.state()).ok().map(|text| (text, fs::metadata(host.state()).ok()));
        let identity = |known: Option<(Vec<u8>, Option<fs::Metadata>)>| {
            use std::os::unix::fs::MetadataExt as _;
            known.map(|(text, meta)| (text, meta.map(|m| (m.ino(), m.mtime_nsec()))))
        };
        // A kube-proxy that is seen would be something to remember.
        host.sh("iptables-nft -t mangle -N KUBE-PROXY-CANARY");
        let before = identity(known());
        for (words, code) in [
            ("probe", 0),
            ("diff", 1),
            ("diff --validate", 1),
            ("remove --dry-run", 0),
            ("render", 0),
            ("apply --make-iptables-util-chains=false", 0),
        ] {
            host.ck_ok(words, code);
            assert!(identity(known()) == before, "{words}");
            let folder = host.state().parent().expect("a folder").to_owned();
            let names = fs::read_dir(folder).expect("readable").flatten().map(|f| f.file_name());
            // The tests' own tools, and what they write down of their starts.
            let left = names.filter(|name| !["bin", "starts"].map(Into::into).contains(name));
            assert_eq!(left.count(), usize::from(before.is_some()), "{words} left a file");
        }
    }
}

#[test]
fn an_idle_pass_writes_nothing() {
    for backend in ["nft", "legacy"] {
        let host = Host::of(On::named(backend));
        host.ck_ok("apply", 0);
        let inode = || {
            use std::os::unix::fs::MetadataExt as _;
            fs::metadata(host.state()).expect("a state file").ino()
        };
        let before = inode();
        host.ck_ok("apply", 0);
        assert_eq!(inode(), before, "{backend}");
    }
}

/// Each change is made to what is there, not to what was there before another's change.
#[test]
fn changes_at_once_are_all_there() {
    let host = Host::unknown();
    let note = |who: usize, what: usize| {
        let chain = ChainName::from(format!("C{who}-{what}").as_str());
        let memory = Memory::at(&host.state());
        memory.update(|state: &mut Recalled| {
            state.created.insert((Family::Ipv4, Table::Nat, chain.clone()));
        });
    };
    std::thread::scope(|scope| {
        for who in 0..4 {
            scope.spawn(move || (0..10).for_each(|what| note(who, what)));
        }
    });
    assert_eq!(Memory::at(&host.state()).load().0.created.len(), 40);
}

#[test]
fn who_reads_while_others_write_reads_something_whole() {
    let host = Host::of(On::Legacy);
    let write = format!("for i in 1 2 3; do {PROGRAM} apply; {PROGRAM} remove; done >&2");
    std::thread::scope(|scope| {
        let writers = [(); 2].map(|()| scope.spawn(|| host.sh(&write)));
        let mut reads = 0;
        while writers.iter().any(|w| !w.is_finished()) {
            let created = state(&host)["created"].as_array().expect("a list").len();
            assert!([0, 16].contains(&created), "{created}: one pass is one change");
            reads += 1;
        }
        assert!(reads > 20, "too few to tell: {reads}");
    });
    host.ck_ok("apply", 0);
    assert_eq!(state(&host)["created"].as_array().expect("a list").len(), 16);
}

/// Who was killed while it wrote leaves a file that nobody reads.
#[test]
fn what_a_killed_writer_left_goes_with_the_next_write() {
    let host = Host::of(On::Legacy);
    let left = host.state().with_file_name(".state.json.x1y2z3");
    let others = host.state().with_file_name(".others");
    for file in [&left, &others] {
        std::fs::write(file, "{\"half\":").expect("a file");
    }
    host.ck_ok("apply", 0);
    assert!(!left.exists() && others.exists());
    host.ck_ok("diff", 0);
}

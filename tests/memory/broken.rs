//! A state file that cannot be read, believed or written.
use super::{chosen, state};
use crate::support::{Host, On, PROGRAM, Running, Said, Scratch, eventually};
use std::fs;

/// A host on which kubelet's hint says nft, whatever is remembered.
fn hinted() -> Host {
    let host = Host::unknown();
    host.sh("iptables-nft -t mangle -N KUBE-IPTABLES-HINT");
    host
}

fn complains(said: &Said, of: &str) {
    let times = said.stderr.matches(of).count();
    assert!(said.code == 0 && times == 1, "{times} x {of}\n{}{}", said.stdout, said.stderr);
}

#[test]
fn a_file_that_makes_no_sense_is_said_once_and_written_anew() {
    let whole = |version: u32, boot: &str| {
        format!(
            "{{\"version\":{version},\"choice\":null,\"boot\":{boot},\"namespace\":\"\",\
             \"kube_proxy\":false,\"created\":[]}}"
        )
    };
    for (text, why) in [
        (String::new(), "EOF while parsing"),
        ("\0\0\0\0".into(), "expected value"),
        ("{}".into(), "missing field"),
        ("[1, 2]".into(), "invalid"),
        (whole(1, "\"\"")[..40].to_owned(), "EOF while parsing"),
        (whole(2, "\"\""), "version 2 is not 1"),
        (whole(1, "7"), "invalid type"),
        ("{\"version\":1".into(), "EOF while parsing"),
    ] {
        let host = hinted();
        fs::write(host.state(), &text).expect("writable");
        let said = host.ck("probe");
        let file = host.state();
        let complaint = format!("nothing is remembered: {}: ", file.display());
        complains(&said, &complaint);
        assert!(said.stderr.contains(why), "{text}: {}", said.stderr);
        assert_eq!(fs::read_to_string(&file).expect("still there"), text, "probe wrote");
        complains(&host.ck("apply"), &complaint);
        assert_eq!(state(&host)["choice"]["backend"], "nft");
        assert_eq!(host.ck("probe").stderr, "");
    }
}

#[test]
fn bytes_that_are_no_text_are_an_unreadable_file() {
    let host = hinted();
    fs::write(host.state(), b"\xff\xfe{}").expect("writable");
    complains(&host.ck("apply"), "nothing is remembered: ");
    assert_eq!(host.ck("probe").stderr, "");
}

#[test]
fn a_directory_in_its_place_stays_and_is_said() {
    let host = hinted();
    fs::create_dir(host.state()).expect("writable");
    let said = host.ck("apply");
    complains(&said, "nothing is remembered: ");
    complains(&said, "cannot remember in ");
    assert!(host.state().is_dir());
    host.ck_ok("diff", 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_said_and_all_the_rest_is_done() {
    let host = hinted();
    let folder = host.state().parent().expect("a folder").display().to_string();
    let read_only = format!("mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}");
    let said = host.try_sh(&format!("exec unshare -m sh -ec '{read_only}; exec {PROGRAM} apply'"));
    complains(&said, "cannot remember in ");
    assert!(said.stderr.contains("read-only filesystem"), "{}", said.stderr);
    assert!(!host.state().exists());
    host.ck_ok("diff", 0);
    assert_eq!(chosen(&host), "nft 10 evidence");
}

/// Keeps legacy for a while with a memory that has no file, breaks things, and stops.
fn removed_at_the_end(words: &str) -> (Host, Running) {
    let host = Host::unknown();
    let words = format!("run --backend legacy --sync-period 100ms --on-exit remove {words}");
    let mut run = host.start(PROGRAM, &words);
    eventually("the chains are there", || host.our_chains(On::Legacy).len() == 16);
    for _ in 0..2 {
        host.sh("iptables-legacy -t nat -F KUBE-MARK-MASQ");
        let rule = || host.legacy_tables().contains("-A KUBE-MARK-MASQ -j MARK");
        eventually("the rule is back", rule);
    }
    run.signal("TERM");
    assert_eq!(run.ended(), 0, "{}", run.journal());
    (host, run)
}

/// A service knows what it has made, even where it cannot write it down.
#[test]
fn without_a_file_a_run_remembers_until_it_ends() {
    let (host, run) = removed_at_the_end("--state-file none");
    assert_eq!(host.our_chains(On::Legacy), [""; 0], "{}", run.journal());
    assert!(!host.state().exists());
}

#[test]
fn with_a_file_that_cannot_be_written_a_run_says_so_once_and_remembers_until_it_ends() {
    let file = Scratch::new("no-folder", "");
    let (host, run) = removed_at_the_end(&format!("--state-file {}/state.json", file.path()));
    assert_eq!(host.our_chains(On::Legacy), [""; 0], "{}", run.journal());
    assert_eq!(run.journal().matches("cannot remember in ").count(), 1, "{}", run.journal());
}

#[test]
fn a_file_that_is_lost_or_overwritten_takes_nothing_from_what_a_run_knows() {
    for elsewhere in [false, true] {
        let host = Host::unknown();
        let words = "run --backend legacy --sync-period 100ms --on-exit remove";
        let mut run = host.start(PROGRAM, words);
        let recorded = || {
            host.state().exists() && state(&host)["created"].as_array().map(Vec::len) == Some(16)
        };
        eventually("it is written down", recorded);
        if elsewhere {
            host.sh(&format!("exec unshare --net {PROGRAM} apply --backend legacy"));
        } else {
            fs::remove_file(host.state()).expect("it was there");
        }
        host.sh("iptables-legacy -t nat -F KUBE-MARK-MASQ");
        let rule = || host.legacy_tables().contains("-A KUBE-MARK-MASQ -j MARK");
        eventually("the rule is back", rule);
        run.signal("TERM");
        assert_eq!(run.ended(), 0, "{}", run.journal());
        assert_eq!(
            host.our_chains(On::Legacy),
            [""; 0],
            "elsewhere: {elsewhere}\n{}",
            run.journal()
        );
    }
}

/// A record that nobody can say is true here is left for the next one, who may.
#[test]
fn where_the_place_cannot_be_read_the_record_is_left_as_it_is() {
    let host = Host::of(On::Legacy);
    host.ck_ok("apply", 0);
    let before = state(&host);
    host.sh("iptables-legacy -t nat -F KUBE-MARK-MASQ");
    // The first link that is read is that of the network namespace.
    let inject = "strace -o /dev/null -e inject=readlink:error=EIO:when=1";
    let said = host.ck_under(inject, "apply");
    complains(&said, "which boot and network namespace this is cannot be read");
    assert_eq!(state(&host), before);
    host.ck_ok("remove", 0);
    // Kubelet's canary was not known as ours, so that run made its own.
    let left = host.our_chains(On::Legacy);
    assert!(left.iter().all(|chain| chain.ends_with("CHAINKEEPER-CANARY")), "{left:?}");
}

#[test]
fn where_the_place_cannot_be_read_the_choice_is_remembered_all_the_same() {
    let host = hinted();
    let lost = || {
        let inject = "strace -o /dev/null -e inject=readlink:error=EIO:when=1";
        complains(&host.ck_under(inject, "apply"), "which boot and network namespace this is");
        state(&host)
    };
    let alone = lost();
    assert_eq!((&alone["choice"]["backend"], &alone["namespace"]), (&"nft".into(), &"".into()));
    host.ck_ok("apply", 0);
    fs::remove_file(host.state()).expect("it was there");
    host.ck_ok("apply", 0);
    let whole = state(&host);
    let mut forgotten = whole.clone();
    forgotten["choice"] = serde_json::Value::Null;
    fs::write(host.state(), forgotten.to_string()).expect("writable");
    assert_eq!(lost(), whole);
}

#[test]
fn a_fifo_in_its_place_blocks_nobody() {
    let host = hinted();
    host.sh(&format!("mkfifo {}", host.state().display()));
    for words in ["probe", "apply"] {
        let said = host.try_sh(&format!("exec timeout 10 {PROGRAM} {words}"));
        complains(&said, "nothing is remembered: ");
    }
    host.ck_ok("diff", 0);
}

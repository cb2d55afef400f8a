//! SIGHUP: the new settings count at once; bad ones change nothing.
use crate::support::{Host, PROGRAM, Running, Scratch, eventually};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn mark(host: &Host, chain: &str) -> String {
    let rules = host.sh(&format!("iptables-nft -t nat -S {chain}"));
    rules.split_whitespace().last().unwrap_or_default().to_owned()
}

fn running(host: &Host, file: &Scratch) -> Running {
    let run = host.start(PROGRAM, &format!("run --config {}", file.path()));
    eventually("the chains are there", || {
        host.ck("check --live").code == 0 && host.ck("diff").code < 2
    });
    run
}

fn said(run: &Running, words: &str, times: usize) {
    eventually(words, || run.journal().matches(words).count() == times);
}

/// Four ways to be wrong, each with what is told of it; then a good one.
#[test]
fn a_bad_file_keeps_the_last_good_settings_and_a_good_one_counts_at_once() {
    let host = Host::new();
    let file = Scratch::new("reload.toml", "masquerade-bit = 5\ndrop-bit = 6\n");
    let run = running(&host, &file);
    let bad = [
        ("masquerade-bit = 7\ndrop-bit = 7\n", "must be different"),
        ("masquerade-bit = 7\ndrop-", "line 2"),
        ("masqurade-bit = 7\n", "unknown key `masqurade-bit`"),
        ("heal-flows = 'x'\n", "heal-flows: "),
    ];
    let before = host.generation();
    for (n, (text, words)) in bad.iter().enumerate() {
        file.write(text);
        run.signal("HUP");
        said(&run, "keeping the last good configuration", n + 1);
        assert!(run.journal().contains(words), "{words}\n{}", run.journal());
    }
    assert_eq!(host.generation(), before, "nothing was written");
    assert_eq!(mark(&host, "KUBE-MARK-MASQ"), "0x20/0x20");
    file.write("masquerade-bit = 7\ndrop-bit = 6\n");
    run.signal("HUP");
    eventually("the new bit", || mark(&host, "KUBE-MARK-MASQ") == "0x80/0x80");
    said(&run, "configuration reloaded", 1);
}

#[test]
fn a_file_that_is_gone_keeps_the_last_good_settings() {
    let host = Host::new();
    let file = Scratch::new("gone.toml", "masquerade-bit = 5\n");
    let run = running(&host, &file);
    std::fs::remove_file(file.path()).expect("it is there");
    let before = host.generation();
    run.signal("HUP");
    said(&run, "keeping the last good configuration", 1);
    assert_eq!(host.generation(), before);
}

/// Half of it would be good settings, too, but not what was meant.
#[test]
fn a_file_that_is_being_written_is_waited_for() {
    // A test that was itself kept waiting between two lines has shown nothing.
    assert!((0..5).any(|_| written_slowly()), "this machine is too slow to tell");
}

fn written_slowly() -> bool {
    let host = Host::new();
    let file = Scratch::new("slow.toml", "");
    let run = running(&host, &file);
    let before = host.generation();
    let mut text = String::from("masquerade-bit = 5\n");
    file.write(&text);
    run.signal("HUP");
    for line in ["drop-bit = 6\n", "settle = '100ms'\n", "on-conflict = 'insist'\n"] {
        let wrote = Instant::now();
        sleep(Duration::from_millis(50));
        text += line;
        file.write(&text);
        if wrote.elapsed() > Duration::from_millis(80) {
            return false;
        }
    }
    said(&run, "configuration reloaded", 1);
    eventually("the bits", || mark(&host, "KUBE-MARK-DROP") == "0x40/0x40");
    assert_eq!(mark(&host, "KUBE-MARK-MASQ"), "0x20/0x20");
    assert_eq!(host.generation(), before + 1, "half of it was taken for the whole");
    true
}

//! The journal of `run`, when others move.
use super::{NFT, home, screen};
use crate::support::{Host, PROGRAM, Running, eventually};
use insta::assert_snapshot;

/// kubelet moves from nft to legacy, seen at each of its steps.
fn moves(words: &str) -> (Host, Running) {
    let host = home(Host::unknown(), NFT, "iptables-nft -t mangle -N KUBE-IPTABLES-HINT");
    let words = format!("{PROGRAM} run --sync-period 100ms {words}");
    let run = host.start("at-home", &words);
    eventually("it has written", || run.journal().contains("one commit"));
    host.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT");
    eventually("it sees both", || run.journal().contains("mixed host"));
    host.sh("iptables-nft -t mangle -X KUBE-IPTABLES-HINT");
    (host, run)
}

fn journal(mut run: Running, code: i32, last: &str) -> String {
    assert_eq!(run.ended(), code, "{}", run.journal());
    eventually("all is read", || run.journal().contains(last));
    let journal = run.journal().replace(env!("CARGO_PKG_VERSION"), "(version)");
    // Each line begins with its time.
    let untimed =
        |line: &str| line.split_once("Z ").map_or(line, |(_, said)| said).to_owned() + "\n";
    screen(&journal.lines().map(untimed).collect::<String>())
}

#[test]
fn follow() {
    let (_host, run) = moves("--on-backend-change follow");
    eventually("it moves", || run.journal().contains("moved from"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    run.signal("TERM");
    assert_snapshot!("follow", journal(run, 0, "stopped; "));
}

#[test]
fn exit() {
    let (_host, run) = moves("--on-backend-change exit");
    assert_snapshot!("exit", journal(run, 7, "stopping (--on-backend-change exit)"));
}

#[test]
fn warn() {
    let (_host, run) = moves("--on-backend-change warn --on-exit remove");
    eventually("it says so", || run.journal().contains("others use legacy now"));
    run.signal("TERM");
    assert_snapshot!("warn", journal(run, 0, "stopped; "));
}

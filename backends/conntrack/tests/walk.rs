//! The kernel's table is walked through only where this namespace has connections, seen by strace(1).
mod support;

use chainkeeper_contract::Family;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;
use support::{Row, texts};

/// Asks on the node under strace: which connections it lists, and what was sent for it.
fn asked(row: &Row, words: &[&str]) -> (Vec<String>, String) {
    row.ask(|conntrack| {
        let strace = strace(words);
        let flows = conntrack.flows_since(SystemTime::UNIX_EPOCH, SystemTime::now(), None);
        (texts(&flows.expect("a look")), said(strace))
    })
}

/// From now on it watches what the calling thread sends.
fn strace(words: &[&str]) -> Child {
    let thread = std::fs::read_link("/proc/thread-self").expect("/proc is mounted");
    let thread = thread.file_name().expect("its number");
    let mut strace = Command::new("strace");
    strace.args(["-e", "trace=sendto"]).args(words).arg("-p").arg(thread);
    let mut child = strace.stderr(Stdio::piped()).spawn().expect("strace is installed");
    let mut line = String::new();
    // Byte by byte, so that the rest is left for later.
    let stderr = child.stderr.as_mut().expect("piped");
    BufReader::with_capacity(1, stderr).read_line(&mut line).expect("a line");
    assert!(line.contains("attached"), "{line}");
    child
}

/// Ends it; what it has seen.
fn said(mut strace: Child) -> String {
    kill(Pid::from_raw(strace.id() as i32), Signal::SIGINT).expect("it runs");
    let mut text = String::new();
    strace.stderr.take().expect("piped").read_to_string(&mut text).expect("text");
    strace.wait().expect("it ends");
    text
}

const COUNT: &str = "IPCTNL_MSG_CT_GET_STATS";
const DUMP: &str = "IPCTNL_MSG_CT_GET,";

#[test]
fn no_connection_no_walk_whatever_other_namespaces_have() {
    let (row, other) = (Row::new(Family::Ipv4), Row::new(Family::Ipv4));
    other.send(4001);
    let (flows, sent) = asked(&row, &[]);
    assert!(sent.contains(COUNT) && !sent.contains(DUMP), "{sent}");
    assert_eq!(flows, [""; 0]);
    row.send(4001);
    let (flows, sent) = asked(&row, &[]);
    assert!(sent.contains(COUNT) && sent.contains(DUMP), "{sent}");
    assert_eq!(flows, [row.named(4001)]);
}

#[test]
fn a_kernel_that_does_not_say_how_many_is_asked_for_all() {
    let row = Row::new(Family::Ipv4);
    row.send(4001);
    let (flows, sent) = asked(&row, &["-e", "inject=sendto:error=EINVAL:when=1"]);
    assert!(sent.contains("(INJECTED)") && sent.contains(DUMP), "{sent}");
    assert_eq!(flows, [row.named(4001)]);
}

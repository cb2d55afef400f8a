//! Whoever reads the journal stands still, with the pipe full.
use super::{Host, keeping, repair};
use crate::support::{PROGRAM, Pipe, eventually};
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

/// A pipe that is not read until somebody does, as standard error.
const TO_A_PIPE: &str =
    "mkfifo \"$STATE_DIRECTORY/pipe\"\nexec \"$@\" 2<>\"$STATE_DIRECTORY/pipe\"";

fn path(host: &Host) -> std::path::PathBuf {
    host.state().with_file_name("pipe")
}

#[test]
fn a_pipe_that_nobody_reads_keeps_it_from_nothing_and_is_told_of_it_later() {
    for format in ["text", "json"] {
        let host = Host::new();
        host.put("to-a-pipe", TO_A_PIPE);
        let words = format!("run -vv --settle 1ms --on-conflict insist --log-format {format}");
        let mut run = keeping(&host, "to-a-pipe", &format!("{PROGRAM} {words}"));
        let mut pipe = Pipe::open(path(&host));
        pipe.fill();
        for _ in 0..5 {
            repair(&host);
        }
        assert!(host.is_in_sync(), "{format}");
        pipe.drained();
        repair(&host);
        let mut said = String::new();
        eventually("it says so", || {
            said += &pipe.drained();
            said.contains("repaired")
        });
        let told = said.lines().next().expect("a line");
        assert!(told.contains("the journal did not take the last "), "{format}: {said}");
        // Full again: it ends all the same.
        pipe.fill();
        run.signal("TERM");
        assert_eq!(run.ended(), 0, "{format}");
    }
}

/// It says that it can be written to while it has room for less than a line.
#[test]
fn a_terminal_that_nobody_reads_keeps_it_from_nothing() {
    let host = Host::new();
    let mut terminal = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY).expect("a terminal");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("ours");
    let name = ptsname_r(&terminal).expect("it has a name");
    host.put("to-a-terminal", &format!("exec \"$@\" 2<>{name}"));
    let words = format!("{PROGRAM} run -vv --settle 1ms --on-conflict insist");
    let mut run = keeping(&host, "to-a-terminal", &words);
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let open = OpenOptions::new().write(true).custom_flags(flags).open(&name);
    let mut other = open.expect("it is there");
    while other.write(b"full\n").is_ok() {}
    for _ in 0..5 {
        repair(&host);
        // Room for a part of a line.
        let _ = terminal.read(&mut [0; 300]).expect("it is full");
    }
    assert!(host.is_in_sync());
    run.signal("TERM");
    assert_eq!(run.ended(), 0);
}

/// Keeping waits for nobody; what a person asked for is told as a whole.
#[test]
fn a_command_waits_for_whoever_reads_what_it_says() {
    let host = Host::new();
    host.sh(&format!("mkfifo {}", path(&host).display()));
    host.put("to-the-pipe", "exec \"$@\" 2<>\"$STATE_DIRECTORY/pipe\"");
    let mut pipe = Pipe::open(path(&host));
    pipe.fill();
    let mut run = host.start("to-the-pipe", &format!("{PROGRAM} apply -v"));
    std::thread::sleep(Duration::from_millis(500));
    assert!(!run.is_over(), "it waits");
    let mut said = String::new();
    eventually("it ends", || {
        said += &pipe.drained();
        run.is_over()
    });
    said += &pipe.drained();
    assert!(said.contains("DEBUG ip: ") && !said.contains("did not take"), "{said}");
}

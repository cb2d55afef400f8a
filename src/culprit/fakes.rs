//! The resolver on a /proc of the test's own, where what never happens in time does.
use super::{Culprit, Resolver};
use chainkeeper_contract::Writer;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{create_dir_all, remove_file, rename, write};
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

const INITIAL: &str = "pid:[4026531836]";

fn stat(name: &str, parent: u32, start: u64) -> String {
    format!(
        "1 ({name}) S {parent} 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {start} 2703360 224 0\n"
    )
}

/// Thread 4121 of iptables, process 4120, child of bash 640, which was started by hand.
fn fake() -> TempDir {
    let fake = tempfile::tempdir().unwrap();
    let at = |path: &str| fake.path().join(path);
    for folder in ["self/ns", "1", "640", "4121"] {
        create_dir_all(at(folder)).unwrap();
    }
    symlink(INITIAL, at("self/ns/pid")).unwrap();
    write(at("self/status"), "Name:\tchainkeeper\nNSpid:\t77\n").unwrap();
    write(at("1/stat"), stat("systemd", 0, 1)).unwrap();
    write(at("640/stat"), stat("bash", 1, 50)).unwrap();
    write(at("4121/stat"), stat("iptables", 640, 90)).unwrap();
    write(at("4121/status"), "Name:\tiptables\nTgid:\t4120\nPid:\t4121\nPPid:\t640\n").unwrap();
    write(at("4121/cgroup"), "0::/user.slice/user-0.slice/session-3.scope\n").unwrap();
    write(at("4121/cmdline"), "iptables\0-F\0").unwrap();
    fake
}

fn ask(fake: &Path) -> Culprit {
    let writer = Writer { name: "iptables".to_string(), thread: 4121 };
    Resolver::at(fake, true).resolve(&writer)
}

/// The same, where `change` happens after the thread was first looked at.
fn ask_while(fake: &Path, change: impl FnOnce() + Send) -> Culprit {
    let cgroup = fake.join("4121/cgroup");
    remove_file(&cgroup).unwrap();
    mkfifo(&cgroup, Mode::S_IRWXU).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Waits until it is opened to be read; who reads it waits until this is dropped.
            let _opened = std::fs::OpenOptions::new().write(true).open(&cgroup).unwrap();
            change();
        });
        ask(fake)
    })
}

#[track_caller]
fn unknown(culprit: &Culprit, why: &str) {
    assert_eq!((&culprit.process, culprit.unknown.as_deref()), (&None, Some(why)));
    assert_eq!(culprit.to_string(), format!("iptables (thread 4121, {why})"));
}

#[test]
fn all_that_is_told_of_one_who_is_proven() {
    let fake = fake();
    let culprit = ask(fake.path());
    let process = culprit.process.as_ref().unwrap();
    assert_eq!((process.pid, culprit.thread, &culprit.unknown), (4120, Some(4121), &None));
    assert_eq!(process.parent, Some(("bash".to_string(), 640)));
    assert_eq!(process.command.as_deref(), Some("iptables -F"));
    assert_eq!(culprit.to_string(), "iptables (pid 4120, session-3.scope)");
}

#[test]
fn no_command_line_unless_asked_for() {
    let fake = fake();
    let writer = Writer { name: "iptables".to_string(), thread: 4121 };
    let process = Resolver::at(fake.path(), false).resolve(&writer).process.unwrap();
    assert_eq!((process.pid, process.command), (4120, None));
}

#[test]
fn who_started_after_the_event_did_not_write() {
    let fake = fake();
    write(fake.path().join("4121/stat"), stat("iptables", 640, u64::MAX)).unwrap();
    unknown(&ask(fake.path()), "another process has that number now");
}

#[test]
fn another_name_is_another_program() {
    let fake = fake();
    write(fake.path().join("4121/stat"), stat("iptables2", 640, 90)).unwrap();
    unknown(&ask(fake.path()), "that number has another name now");
}

#[test]
fn what_changes_while_it_is_asked_is_dropped() {
    let cases = [
        (stat("bash", 640, 90), "that number has another name now"),
        (stat("iptables", 640, 91), "another process has that number now"),
        ("nonsense".to_string(), "/proc could not be read"),
    ];
    for (text, why) in cases {
        let fake = fake();
        unknown(
            &ask_while(fake.path(), || write(fake.path().join("4121/stat"), &text).unwrap()),
            why,
        );
    }
    let fake = fake();
    let ended = || remove_file(fake.path().join("4121/stat")).unwrap();
    unknown(&ask_while(fake.path(), ended), "gone before it could be asked");
}

#[test]
fn a_later_owner_of_the_number_is_not_asked() {
    let fake = fake();
    let at = |path: &str| fake.path().join(path);
    let reused = || {
        rename(at("4121"), at("ended")).unwrap();
        remove_file(at("ended/stat")).unwrap();
        create_dir_all(at("4121")).unwrap();
        write(at("4121/stat"), stat("iptables", 640, 90)).unwrap();
        write(at("4121/status"), "Tgid:\t4121\n").unwrap();
    };
    unknown(&ask_while(fake.path(), reused), "gone before it could be asked");
}

#[test]
fn a_parent_that_ended_meanwhile_is_not_named() {
    let fake = fake();
    let orphaned = || write(fake.path().join("4121/stat"), stat("iptables", 1, 90)).unwrap();
    let culprit = ask_while(fake.path(), orphaned);
    assert_eq!(culprit.process.as_ref().unwrap().parent, None);
    assert_eq!(culprit.to_string(), "iptables (pid 4120)");
}

#[test]
fn who_hides_or_is_not_there() {
    let fake = fake();
    let at = |path: &str| fake.path().join(path);
    write(at("4121/status"), "Name:\tTgid:\n").unwrap();
    unknown(&ask(fake.path()), "/proc could not be read");
    rename(at("4121"), at("4122")).unwrap();
    unknown(&ask(fake.path()), "gone before it could be asked");
}

#[test]
fn names_of_strangers_are_made_harmless_after_they_were_compared() {
    let fake = fake();
    let at = |path: &str| fake.path().join(path);
    write(at("4121/stat"), stat("a\x1b[2J", 640, 90)).unwrap();
    write(at("640/stat"), stat("b\x07", 1, 50)).unwrap();
    write(at("4121/cmdline"), "\x1b]0;x\x07\0").unwrap();
    let writer = Writer { name: "a\x1b[2J".to_string(), thread: 4121 };
    let culprit = Resolver::at(fake.path(), true).resolve(&writer);
    assert_eq!(culprit.name.as_deref(), Some(r"a\u{1b}[2J"));
    let process = culprit.process.unwrap();
    assert_eq!(process.parent.unwrap().0, r"b\u{7}");
    assert_eq!(process.command.as_deref(), Some(r"\u{1b}]0;x\u{7}"));
}

#[test]
fn nobody_is_asked_where_numbers_are_others() {
    let elsewhere = "not in the initial pid namespace";
    for (status, why) in [("NSpid:\t77\t5\n", elsewhere), ("Name:\told\n", elsewhere)] {
        let fake = fake();
        write(fake.path().join("self/status"), status).unwrap();
        unknown(&ask(fake.path()), why);
    }
    let inner = fake();
    remove_file(inner.path().join("self/ns/pid")).unwrap();
    unknown(&ask(inner.path()), "/proc could not be read");
    symlink("pid:[4026532218]", inner.path().join("self/ns/pid")).unwrap();
    unknown(&ask(inner.path()), elsewhere);
    let hidden = fake();
    remove_file(hidden.path().join("1/stat")).unwrap();
    unknown(&ask(hidden.path()), "/proc hides other processes");
    assert_eq!(Resolver::at(hidden.path(), true).unable(), Some("/proc hides other processes"));
}

//! Processes that live, that have ended, that are both; and threads.
use crate::support::{Host, Running, eventually};
use chainkeeper::culprit::{Culprit, Resolver};
use chainkeeper_contract::Writer;
use nix::unistd::{getppid, gettid};
use std::fs::read_to_string;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;

/// Resolves that thread, with command lines. `None`, with a word, where we are not in the initial pid
/// namespace, as in a container.
pub(super) fn resolve(name: &str, thread: u32) -> Option<Culprit> {
    let resolver = Resolver::new(true);
    let namespace = std::fs::read_link("/proc/self/ns/pid").expect("/proc is mounted");
    match resolver.unable() {
        None => {}
        Some(why) => {
            let hidden = why == "/proc hides other processes";
            assert!(namespace != Path::new("pid:[4026531836]") || hidden, "{why}");
            println!("left out: {why}");
            return None;
        }
    }
    Some(resolver.resolve(&Writer { name: name.to_string(), thread }))
}

/// The name of this process, and its number.
fn us() -> Option<(String, u32)> {
    let name = read_to_string("/proc/self/comm").expect("/proc is mounted");
    Some((name.trim_end().to_string(), std::process::id()))
}

/// A process of a host that does nothing for long.
fn sleeper() -> Running {
    Host::unknown().start("sleep", "600")
}

#[test]
fn a_process_that_lives_is_named() {
    let sleeper = sleeper();
    let Some(culprit) = resolve("sleep", sleeper.pid()) else { return };
    let process = culprit.process.expect("it lives");
    assert_eq!(process.pid, sleeper.pid());
    assert_eq!(process.parent, us());
    assert_eq!(process.command.as_deref(), Some("sleep 600"));
    assert_eq!((culprit.name.as_deref(), culprit.unknown), (Some("sleep"), None));
}

#[test]
fn where_it_is_at_home_is_what_its_cgroup_says() {
    let sleeper = sleeper();
    let Some(culprit) = resolve("sleep", sleeper.pid()) else { return };
    let process = culprit.process.expect("it lives");
    let cgroup = read_to_string(format!("/proc/{}/cgroup", sleeper.pid())).expect("it lives");
    println!("{process}, of\n{cgroup}");
    let told = |name: &Option<String>| name.as_deref().is_none_or(|name| cgroup.contains(name));
    assert!(told(&process.unit) && told(&process.container), "{process:?}\n{cgroup}");
    if process.unit.is_none() && process.container.is_none() {
        assert!(![".service", ".scope"].iter().any(|kind| cgroup.contains(kind)), "{cgroup}");
        assert!(process.to_string().ends_with(&format!(", by {}", us().expect("we are").0)));
    }
}

#[test]
fn another_name_is_never_guessed_over() {
    let sleeper = sleeper();
    let Some(culprit) = resolve("nft", sleeper.pid()) else { return };
    assert_eq!(culprit.process, None);
    let thread = sleeper.pid();
    let phrase = format!("nft (thread {thread}, that number has another name now)");
    assert_eq!(culprit.to_string(), phrase);
}

/// What is said of a thread of ours with that name, and under which name it was asked for.
fn of_thread(name: &str) -> Option<(Culprit, u32)> {
    // What the kernel keeps of a name.
    let bytes = &name.as_bytes()[..name.len().min(15)];
    let kept = String::from_utf8_lossy(bytes).into_owned();
    let ((here, thread), (end, ended)) = (channel(), channel::<()>());
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name(name.to_string());
        let work = move || {
            here.send(gettid().as_raw()).expect("the test waits");
            ended.recv().expect_err("nothing is ever sent");
        };
        builder.spawn_scoped(scope, work).expect("a thread");
        let thread = u32::try_from(thread.recv().expect("it says so")).expect("a number");
        let culprit = resolve(&kept, thread);
        drop(end);
        Some((culprit?, thread))
    })
}

#[test]
fn a_thread_with_a_name_of_its_own_is_its_process() {
    let Some((culprit, thread)) = of_thread("ck-writer") else { return };
    let process = culprit.process.expect("it lives");
    assert_ne!(thread, std::process::id());
    assert_eq!((culprit.thread, process.pid), (Some(thread), std::process::id()));
    let parent = u32::try_from(getppid().as_raw()).expect("a number");
    assert_eq!(process.parent.map(|(_, pid)| pid), Some(parent));
}

#[test]
fn any_name_is_recognised_and_harmless() {
    for (name, said) in [
        ("a) S 1 (b", "a) S 1 (b"),
        ("x\x1b[2J\n", r"x\u{1b}[2J\n"),
        ("kube-apiserver-of-all", "kube-apiserver-"),
        // The kernel cuts within a character.
        ("éééééééé", "ééééééé\u{fffd}"),
    ] {
        let Some((culprit, _)) = of_thread(name) else { return };
        assert_eq!((culprit.unknown, culprit.name.as_deref()), (None, Some(said)));
        assert_eq!(culprit.process.expect("it lives").pid, std::process::id());
    }
}

#[test]
fn who_has_ended_is_gone() {
    let mut child = Command::new("true").spawn().expect("true");
    child.wait().expect("it ends");
    let Some(culprit) = resolve("true", child.id()) else { return };
    assert_eq!(culprit.process, None);
    assert_eq!(culprit.unknown.as_deref(), Some("gone before it could be asked"));
}

#[test]
fn who_has_ended_but_was_not_waited_for_is_still_known() {
    let mut child = Command::new("true").spawn().expect("true");
    let stat = format!("/proc/{}/stat", child.id());
    eventually("a zombie", || read_to_string(&stat).expect("nobody waits").contains(") Z "));
    let culprit = resolve("true", child.id());
    let pid = child.id();
    child.wait().expect("it ends");
    let Some(culprit) = culprit else { return };
    let process = culprit.process.expect("it was there");
    assert_eq!((process.pid, process.parent, process.command), (pid, us(), None));
}

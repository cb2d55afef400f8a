//! Where the numbers that the kernel tells are not those of our /proc: there nobody is named. This test
//! program runs itself there.
use crate::support::nobody;
use chainkeeper::culprit::Resolver;
use chainkeeper_contract::Writer;
use nix::unistd::gettid;
use std::process::Command;

/// What `asks_about_itself` says when it is run by this shell script, `$SELF` being the words to run it.
/// `None`, with a word, where the namespace cannot be made.
fn said(script: &str) -> Option<String> {
    let program = std::env::current_exe().expect("/proc is mounted");
    let own = "--exact culprit::namespaces::asks_about_itself --ignored --nocapture";
    let own = format!("{} {own}", program.display());
    let mut shell = Command::new("sh");
    let output = shell.args(["-ec", &script.replace("$SELF", &own)]).output().expect("sh");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() && !text.contains("running 1 test") {
        println!("left out: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find_map(|l| l.split_once("it says: "));
    Some(line.unwrap_or_else(|| panic!("it says nothing: {text}")).1.to_string())
}

#[test]
#[ignore = "the others here run it in a namespace"]
fn asks_about_itself() {
    let comm = std::fs::read_to_string("/proc/thread-self/comm").unwrap_or_default();
    let thread = u32::try_from(gettid().as_raw()).expect("a number");
    let writer = Writer { name: comm.trim_end().to_string(), thread };
    let culprit = Resolver::new(false).resolve(&writer);
    println!("it says: {:?}, {:?}", culprit.process.map(|p| p.pid), culprit.unknown);
}

#[test]
fn in_the_initial_pid_namespace_it_knows_itself() {
    let initial = std::path::Path::new("pid:[4026531836]");
    if std::fs::read_link("/proc/self/ns/pid").expect("/proc is mounted") != initial {
        return println!("left out: we are in another one");
    }
    let Some(said) = said("echo it is $$; exec $SELF") else { return };
    assert!(said.starts_with("Some(") && said.ends_with("), None"), "{said}");
}

#[test]
fn in_a_pid_namespace_with_its_own_proc_nobody_is_named() {
    let Some(said) = said("unshare --pid --fork --mount-proc $SELF") else { return };
    assert_eq!(said, "None, Some(\"not in the initial pid namespace\")");
}

/// Its number there is one of somebody else's here, who would be named.
#[test]
fn in_a_pid_namespace_that_sees_the_outer_proc_nobody_is_named() {
    let Some(said) = said("unshare --pid --fork $SELF") else { return };
    assert_eq!(said, "None, Some(\"not in the initial pid namespace\")");
}

#[test]
fn a_proc_that_hides_others_is_said_to() {
    let Some(nobody) = nobody(65534, "-all") else { return };
    let mount = "mount -t proc -o hidepid=invisible proc /proc";
    let script = format!("unshare --mount sh -ec '{mount}; exec {nobody} $SELF'");
    let Some(said) = said(&script) else { return };
    let why = ["/proc hides other processes", "not in the initial pid namespace"];
    assert!(why.iter().any(|why| said == format!("None, Some({why:?})")), "{said}");
}

//! The xtables lock as the program treats it: waits, names who holds it, holds it over look and write,
//! lets it go; and looks without it.
mod at_once;
mod killed;

use crate::support::{Host, On, PROGRAM, Scratch, nobody};
use std::time::{Duration, Instant};

/// Runs chainkeeper with another lock file; it must fail with this code and leave everything alone.
fn refused(host: &Host, lock: &str, before: &str, code: i32) -> String {
    let said = host.try_sh(&format!("XTABLES_LOCKFILE={lock} exec {before} {PROGRAM} apply"));
    assert_eq!(said.code, code, "{lock}: {}{}", said.stdout, said.stderr);
    assert_eq!(host.legacy_tables(), "", "{lock}");
    said.stderr
}

#[test]
fn apply_waits_for_who_holds_it_and_lands() {
    let host = Host::of(On::Legacy);
    let start = Instant::now();
    let _holder = host.hold_lock(3);
    host.ck_ok("apply", 0);
    assert!(start.elapsed() > Duration::from_millis(2900), "it did not wait");
    host.ck_ok("diff", 0);
    assert!(host.lock_is_free());
}

#[test]
fn held_for_ever_it_is_named_with_its_holder_and_nothing_is_changed() {
    let host = Host::of(On::Legacy);
    host.ck_ok("apply", 0);
    host.sh("iptables-legacy -t nat -F KUBE-MARK-MASQ");
    let before = (host.legacy_tables(), std::fs::read(host.state()).expect("a state file"));
    let holder = host.hold_lock(100);
    for command in ["apply", "remove"] {
        let said = host.ck(&format!("{command} --lock-wait 1s"));
        let (lock, pid) = (host.lock(), holder.pid());
        let error = format!(
            "error: cannot take the xtables lock {}: sleep (pid {pid}) still holds it after 1s\n",
            lock.display()
        );
        assert!(said.code == 5 && said.stderr.starts_with(&error), "{}", said.stderr);
        assert!(said.stderr.contains("--lock-wait waits longer"), "{}", said.stderr);
    }
    // Looking takes no lock.
    for (words, code) in
        [("diff", 1), ("diff --validate", 1), ("probe", 0), ("remove --dry-run", 0)]
    {
        let start = Instant::now();
        host.ck_ok(words, code);
        assert!(start.elapsed() < Duration::from_secs(2), "{words} waited");
    }
    let after = (host.legacy_tables(), std::fs::read(host.state()).expect("a state file"));
    assert!(before == after, "something was changed");
    drop(holder);
    host.ck_ok("apply", 0);
}

#[test]
fn a_run_that_cannot_have_it_says_so_once_and_lands_when_it_can() {
    let host = Host::of(On::Legacy);
    let holder = host.hold_lock(100);
    let run = host.start(PROGRAM, "run --sync-period 100ms --lock-wait 200ms");
    crate::support::eventually("it says so", || run.journal().contains("take the xtables lock"));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(run.journal().matches("take the xtables lock").count(), 1, "{}", run.journal());
    drop(holder);
    crate::support::eventually("it lands", || run.journal().contains("well again"));
    host.ck_ok("diff", 0);
}

#[test]
fn what_cannot_be_a_lock_is_a_clear_error() {
    let host = Host::of(On::Legacy);
    let file = Scratch::new("lock", "");
    let pipe = host.state().with_file_name("pipe").display().to_string();
    host.sh(&format!("mkfifo {pipe}"));
    for (lock, says) in [
        // The tools would wait for ever for somebody who writes to it.
        (pipe, "it is a pipe"),
        (env!("CARGO_TARGET_TMPDIR").to_owned(), "Is a directory"),
        (format!("{}/lock", file.path()), "Not a directory"),
        ("/no/such/folder/lock".into(), "No such file or directory"),
    ] {
        let start = Instant::now();
        let said = refused(&host, &lock, "", 5);
        assert!(start.elapsed() < Duration::from_secs(4), "{lock}: it was waited for");
        let error = format!("error: cannot take the xtables lock {lock}: {says}\n");
        assert!(said.starts_with(&error), "{said}");
    }
    // Root opens every file, so here it is nobody with root's group and the two capabilities.
    let Some(nobody) = nobody(0, "+net_admin,+net_raw") else { return };
    host.sh(&format!("chmod 0600 {0}; chown 0:0 {0}", file.path()));
    let said = refused(&host, &file.path(), &nobody, 4);
    let error = format!("error: cannot take the xtables lock {}: Permission denied\n", file.path());
    assert!(said.starts_with(&error), "{said}");
}

/// Of the system calls on locks, ours on the xtables lock and on the state file, each in turn fails.
#[test]
fn a_lock_that_cannot_be_had_or_let_go_is_no_panic() {
    for nth in 1..=4 {
        let host = Host::of(On::Legacy);
        let inject = format!("strace -o /dev/null -e inject=flock:error=ENOLCK:when={nth}");
        let said = host.ck_under(&inject, "apply");
        assert!(!said.stderr.contains("panicked"), "{nth}: {said:?}");
        // Without the first nothing may be written. Without one of the others it is done all the same.
        assert_eq!(said.code, if nth == 1 { 5 } else { 0 }, "{nth}: {said:?}");
        host.ck_ok("apply", 0);
        host.ck_ok("diff", 0);
        assert!(host.lock_is_free(), "{nth}");
    }
}

#[test]
fn it_is_held_from_the_look_to_the_last_write() {
    let host = Host::of(On::Legacy);
    host.ck_ok("apply", 0);
    let note = |tool: &str| {
        // Shared: the other family asks at the same time.
        let state = "$(flock -s -n $lock true && echo free || echo held)";
        format!("echo {tool} {state} >>$here/log; exec $real \"$@\"")
    };
    host.sh("iptables-legacy -t nat -F KUBE-MARK-MASQ; ip6tables-legacy -t nat -F KUBE-MARK-MASQ");
    for (words, code, writes) in
        [("diff", 1, false), ("probe", 0, false), ("apply", 0, true), ("remove", 0, true)]
    {
        host.doctor("save", &note("save"));
        host.doctor("restore", &note("restore"));
        host.ck_ok(words, code);
        let log = host.left("log");
        let lines: Vec<&str> = log.lines().collect();
        if writes {
            // The choice of a backend is made without it; from then on nobody gets in between.
            let first =
                lines.iter().position(|l| l.ends_with("held")).expect("a look under the lock");
            let under = ["save held", "save held", "restore held", "restore held"];
            assert_eq!(lines[first..], under, "{words}: {log}");
        }
        let looks = lines.iter().take_while(|l| **l == "save free").count();
        assert_eq!(looks, lines.len() - if writes { 4 } else { 0 }, "{words}: {log}");
        host.heal();
        assert!(host.lock_is_free(), "{words}");
    }
}

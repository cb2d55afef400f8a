//! The xtables lock: who holds it when, and that it is let go.
mod support;

use chainkeeper_contract::{Applied, Backend, BackendError, ErrorKind, Family};
use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{Doctored, backend, everything, in_netns, is_free, lock_file, must, pass, plan};

const MOMENT: Duration = Duration::from_millis(20);

/// Another process that holds a lock; killed when dropped.
struct Holder(Child);

impl Holder {
    fn of(path: &Path, seconds: &str) -> Holder {
        let child =
            Command::new("flock").arg("--no-fork").arg(path).args(["sleep", seconds]).spawn();
        let holder = Holder(child.expect("flock is installed"));
        while is_free_at(path) {
            sleep(MOMENT);
        }
        holder
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_free_at(path: &Path) -> bool {
    Command::new("flock").arg("-n").arg(path).arg("true").status().expect("flock").success()
}

fn with_lock(lock: PathBuf, lock_wait: Duration) -> LegacyBackend {
    let setup = Setup { lock, lock_wait, ..Setup::with(Tools::find()) };
    LegacyBackend::open(setup).expect("iptables-legacy")
}

#[test]
fn whoever_holds_it_for_a_while_is_waited_for() {
    in_netns(|| {
        let start = Instant::now();
        let _holder = Holder::of(&lock_file("ours"), "1");
        pass(&mut backend()).expect("it lands");
        assert!(start.elapsed() >= Duration::from_millis(950), "it did not wait");
        assert!(everything().contains("KUBE-MARK-MASQ"));
        assert!(is_free());
    });
}

#[test]
fn whoever_holds_it_for_ever_is_named_and_nothing_is_written() {
    in_netns(|| {
        let holder = Holder::of(&lock_file("ours"), "100");
        let mut backend = with_lock(lock_file("ours"), Duration::from_millis(200));
        let before = everything();
        let plan = plan(&mut backend).expect("looking takes no lock");
        for error in [backend.lock(), backend.apply(&plan).map(|_| ())] {
            let Err(BackendError::Lock { what, words, .. }) = error else { panic!("{error:?}") };
            let (lock, pid) = (lock_file("ours"), holder.0.id());
            assert_eq!(what, format!("cannot take the xtables lock {}", lock.display()));
            assert_eq!(words, format!("sleep (pid {pid}) still holds it after 200ms"));
        }
        assert_eq!(everything(), before);
    });
}

/// Two locks under one name: what counts is the one that others will find there.
#[test]
fn a_lock_file_that_is_replaced_while_we_wait_is_waited_for_as_well() {
    in_netns(|| {
        let (start, lock, other) = (Instant::now(), lock_file("ours"), lock_file("other"));
        let first = Holder::of(&lock, "100");
        let second = Holder::of(&other, "100");
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| {
                let mut backend = with_lock(lock.clone(), Duration::from_secs(20));
                backend.lock().expect("in the end");
                let (at, free) = (start.elapsed(), is_free());
                backend.unlock();
                (at, free)
            });
            sleep(Duration::from_millis(200));
            fs::rename(&other, &lock).expect("one folder");
            drop(first);
            sleep(Duration::from_millis(400));
            drop(second);
            let (at, free) = taken.join().expect("no panic");
            assert!(at >= Duration::from_millis(550), "after {at:?} the second one had it");
            assert!(!free, "what was taken is not what others find");
        });
    });
}

#[test]
fn a_lock_that_cannot_be_one_is_an_error_at_once() {
    in_netns(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let missing = folder.join("no-such-folder").join("lock");
        for (lock, says) in [(folder, "Is a directory"), (missing, "No such file or directory")] {
            let start = Instant::now();
            let error = pass(&mut with_lock(lock.clone(), Duration::from_secs(9))).expect_err("no");
            let BackendError::Lock { kind, what, words, .. } = error else { panic!("{error:?}") };
            assert_eq!(kind, ErrorKind::Refused);
            assert_eq!(what, format!("cannot take the xtables lock {}", lock.display()));
            assert_eq!(words, says);
            assert!(start.elapsed() < Duration::from_secs(2), "it waited");
        }
        assert_eq!(everything(), "");
    });
}

#[test]
fn it_is_held_over_look_and_write_and_let_go_afterwards() {
    in_netns(|| {
        // Shared: the other family asks at the same time.
        let note = "if flock -s -n $lock true; then echo free; else echo held; fi >>$here/log";
        must(Family::Ipv4, "-t nat -N SOMEBODY");
        for kind in ["save", "restore"] {
            let tools =
                Doctored::new(&format!("held-{kind}"), kind, &format!("{note}\nexec $real \"$@\""));
            let mut backend = tools.backend();
            plan(&mut backend).expect("a look of its own");
            let mine = if kind == "save" { "free\n" } else { "" };
            assert_eq!(tools.left("log"), mine, "looking alone takes no lock");
            pass(&mut backend).expect("a pass");
            assert!(is_free());
            let log = tools.left("log");
            let log = log.strip_prefix(mine).expect("lines are added at the end");
            assert!(log.lines().all(|l| l == "held") && log.contains("held"), "{kind}: {log}");
            must(Family::Ipv4, "-t nat -F KUBE-MARK-MASQ");
        }
    });
}

#[test]
fn it_is_let_go_after_every_error() {
    in_netns(|| {
        must(Family::Ipv4, "-t nat -N SOMEBODY");
        for (kind, script) in [
            ("save", "exit 1"),
            ("save", "echo '-A nonsense'"),
            ("restore", "echo no >&2; exit 1"),
            ("restore", "kill -9 $$"),
        ] {
            let tools = Doctored::new("let-go", kind, script);
            let mut backend = tools.backend();
            let failed = |done: Result<Applied, BackendError>| {
                done.map_or(true, |done| done.families.values().any(Result::is_err))
            };
            assert!(failed(pass(&mut backend)) && is_free(), "{kind}: {script}");
            // Also where a plan is written without a pass around it.
            let done = plan(&mut backend).and_then(|plan| backend.apply(&plan));
            assert!(failed(done) && is_free(), "{kind}: {script}");
        }
    });
}

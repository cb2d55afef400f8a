//! The xtables lock: which one counts, and that it is let go. Who waits for it and when it is held: `locks` of the
//! whole program's tests.
mod support;

use chainkeeper_contract::{Applied, Backend, BackendError, Family};
use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{
    Doctored, backend, everything, in_netns, is_free, is_free_at, lock_file, must, pass, plan,
};

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

/// Of two services one would lose what the other has just written.
#[test]
fn who_applies_without_having_taken_it_takes_it() {
    in_netns(|| {
        let _holder = Holder::of(&lock_file("ours"), "100");
        let setup = Setup {
            lock: lock_file("ours"),
            lock_wait: Duration::from_millis(200),
            ..Setup::with(Tools::find())
        };
        let mut backend = LegacyBackend::open(setup).expect("iptables-legacy");
        let before = everything();
        let plan = plan(&mut backend).expect("looking takes no lock");
        let said = backend.apply(&plan);
        assert!(matches!(said, Err(BackendError::Lock { .. })), "{said:?}");
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
                let mut backend = backend();
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

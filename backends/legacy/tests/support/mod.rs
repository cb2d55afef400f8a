//! A network namespace and a lock for each test, and somebody else's iptables-legacy in it.
#![allow(dead_code)] // not every test binary uses all of it
use chainkeeper_contract::{Family, Table};
use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use nix::sched::{CloneFlags, unshare};
use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs a test in a new thread with a new network namespace.
pub(crate) fn in_netns<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|e| {
                panic!("this test needs root, or the user namespace that `make test` makes: {e}")
            });
            test()
        });
        let done = thread.join();
        for whose in ["ours", "theirs"] {
            let _ = std::fs::remove_file(lock_file(whose));
        }
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The lock of the backend under test, or that of everybody else: theirs must not wait for ours here.
/// The machine's own is not touched.
pub(crate) fn lock_file(whose: &str) -> PathBuf {
    let name = format!("{}-{whose}.lock", std::process::id());
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A backend with a lock of its own.
pub(crate) fn backend() -> LegacyBackend {
    LegacyBackend::open(Setup { lock: lock_file("ours"), ..Setup::with(Tools::find()) })
        .expect("iptables-legacy")
}

/// Runs the iptables-legacy of that family, without a lock that matters.
pub(crate) fn iptables(family: Family, words: &str) -> Output {
    let tool = match family {
        Family::Ipv4 => "iptables-legacy",
        Family::Ipv6 => "ip6tables-legacy",
    };
    let mut command = Command::new(tool);
    command.env("XTABLES_LOCKFILE", lock_file("theirs")).args(words.split_whitespace());
    command.output().expect("iptables-legacy is installed")
}

pub(crate) fn must(family: Family, words: &str) {
    let out = iptables(family, words);
    assert!(out.status.success(), "{family} {words}: {}", String::from_utf8_lossy(&out.stderr));
}

/// The `-A` lines of a chain.
pub(crate) fn rules(family: Family, table: Table, chain: &str) -> Vec<String> {
    let out = iptables(family, &format!("-t {table} -S {chain}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect()
}

pub(crate) fn restore(family: Family, script: &str) {
    let tool = match family {
        Family::Ipv4 => "iptables-legacy-restore",
        Family::Ipv6 => "ip6tables-legacy-restore",
    };
    let sh = format!("{tool} --noflush <<'END'\n{script}END\n");
    let lock = lock_file("theirs");
    let out = Command::new("sh").env("XTABLES_LOCKFILE", lock).args(["-c", &sh]).output();
    let out = out.expect("sh");
    assert!(out.status.success(), "{script}{}", String::from_utf8_lossy(&out.stderr));
}

//! A network namespace and a lock for each test, and somebody else's iptables-legacy in it.
#![allow(dead_code)] // not every test binary uses all of it
use chainkeeper_contract::{Family, Table};
use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use nix::sched::{CloneFlags, unshare};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// Runs a test in a new thread with a new network namespace.
pub fn in_netns<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|e| {
                panic!("this test needs root, or the user namespace that `make test` makes: {e}")
            });
            test()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A lock file that nobody else has.
pub fn lock_file() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-{}.lock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A backend with a lock of its own: the machine's is not touched.
pub fn backend() -> LegacyBackend {
    LegacyBackend::open(Setup { lock: lock_file(), ..Setup::with(Tools::find()) }).expect("iptables-legacy")
}

/// Runs the iptables-legacy of that family, without a lock that matters.
pub fn iptables(family: Family, words: &str) -> Output {
    let tool = match family {
        Family::Ipv4 => "iptables-legacy",
        Family::Ipv6 => "ip6tables-legacy",
    };
    let mut command = Command::new(tool);
    command.env("XTABLES_LOCKFILE", lock_file()).args(words.split_whitespace());
    command.output().expect("iptables-legacy is installed")
}

pub fn must(family: Family, words: &str) {
    let out = iptables(family, words);
    assert!(out.status.success(), "{family} {words}: {}", String::from_utf8_lossy(&out.stderr));
}

/// The `-A` lines of a chain.
pub fn rules(family: Family, table: Table, chain: &str) -> Vec<String> {
    let out = iptables(family, &format!("-t {table} -S {chain}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect()
}

pub fn restore(family: Family, script: &str) {
    let tool = match family {
        Family::Ipv4 => "iptables-legacy-restore",
        Family::Ipv6 => "ip6tables-legacy-restore",
    };
    let sh = format!("{tool} --noflush <<'END'\n{script}END\n");
    let lock = lock_file();
    let out = Command::new("sh").env("XTABLES_LOCKFILE", lock).args(["-c", &sh]).output();
    let out = out.expect("sh");
    assert!(out.status.success(), "{script}{}", String::from_utf8_lossy(&out.stderr));
}

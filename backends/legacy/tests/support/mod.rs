//! A network namespace and a lock for each test, and somebody else's iptables-legacy in it.
#![allow(dead_code, unused_imports)] // not every test binary uses all of it
mod tools;

pub(crate) use tools::Doctored;

use chainkeeper_contract::testing::full;
use chainkeeper_contract::{Applied, Backend, BackendError, Family, Options, Plan, Scope, diff};
use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use chainkeeper_namespace::{Iptables, output, said};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a test in a new network namespace, with locks of its own.
pub(crate) fn in_netns<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    let done = chainkeeper_namespace::in_netns(test);
    for whose in ["ours", "theirs"] {
        let _ = std::fs::remove_file(lock_file(whose));
    }
    done
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

/// Everybody else's.
pub(crate) fn theirs() -> Iptables {
    Iptables { kind: "legacy", lock: lock_file("theirs") }
}

pub(crate) fn must(family: Family, words: &str) {
    theirs().must(family, words);
}

/// Looks, and plans what is missing of [`full`].
pub(crate) fn plan(backend: &mut LegacyBackend) -> Result<Plan, BackendError> {
    let wants = Family::ALL.map(full);
    let mut snapshot = backend.observe(&Scope::of(&wants))?;
    let mut plan = Plan { generation: None, families: std::collections::BTreeMap::new() };
    for want in &wants {
        let seen = snapshot.families.remove(&want.family).expect("both were asked for")?;
        plan.families.insert(want.family, diff(want, &seen, Options::default()).steps);
    }
    Ok(plan)
}

/// A whole pass: under the lock looks and writes, as the keeper does it.
pub(crate) fn pass(backend: &mut LegacyBackend) -> Result<Applied, BackendError> {
    backend.lock()?;
    let done = plan(backend).and_then(|plan| backend.apply(&plan));
    backend.unlock();
    done
}

/// The same by the real tools: everything is in place, and stays as it is.
pub(crate) fn converges() {
    let mut backend = backend();
    let done = pass(&mut backend).expect("a pass");
    for (family, result) in done.families {
        assert!(result.is_ok(), "{family}: {result:?}");
    }
    let left = plan(&mut backend).expect("a look");
    assert!(left.is_empty(), "{left:?}");
}

/// All tables of both families with their counters, without dates.
pub(crate) fn everything() -> String {
    let text = ["iptables-legacy-save -c", "ip6tables-legacy-save -c"].map(output).concat();
    text.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect()
}

/// Nobody holds the lock of the backend under test.
pub(crate) fn is_free() -> bool {
    is_free_at(&lock_file("ours"))
}

/// Nobody holds that lock.
pub(crate) fn is_free_at(lock: &Path) -> bool {
    said(Command::new("flock").arg("-n").arg(lock).arg("true")).code == 0
}

/// The error of each family.
pub(crate) fn errors(applied: Applied) -> Vec<BackendError> {
    applied.families.into_values().filter_map(Result::err).collect()
}

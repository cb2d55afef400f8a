//! Scripts in the place of tools, for chainkeeper on one host and for nobody else: they lie in a folder of
//! the host's that is first in chainkeeper's PATH.
use super::Host;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::{env, iter};

/// What chainkeeper starts for legacy.
const STARTED: [&str; 4] = [
    "iptables-legacy-save",
    "ip6tables-legacy-save",
    "iptables-legacy-restore",
    "ip6tables-legacy-restore",
];

impl Host {
    /// From now on this is what chainkeeper finds under that name. Each start is written down.
    pub(crate) fn put(&self, name: &str, script: &str) {
        fs::create_dir_all(self.bin()).expect("the target directory can be written");
        let path = self.bin().join(name);
        let text = format!("#!/bin/sh\necho {name} >>'{}'\n{script}\n", self.log().display());
        // The old one may be running: it is replaced, not written to.
        let new = self.bin().join(format!(".{name}"));
        fs::write(&new, text).expect("a script");
        fs::set_permissions(&new, Permissions::from_mode(0o755)).expect("it is ours");
        fs::rename(&new, &path).expect("it is ours");
    }

    /// The same for both families' tool of that kind (`save`, `restore`). The script knows the real one as
    /// `$real`, the lock as `$lock`, and the folder for what it leaves as `$here`.
    pub(crate) fn doctor(&self, kind: &str, script: &str) {
        for base in ["iptables", "ip6tables"] {
            let name = format!("{base}-legacy-{kind}");
            let (real, lock, here) = (real(&name), self.lock(), self.bin());
            let known = format!(
                "real='{}'\nlock='{}'\nhere='{}'",
                real.display(),
                lock.display(),
                here.display()
            );
            self.put(&name, &format!("{known}\n{script}"));
        }
    }

    /// From now on the plain `iptables` of this host says that it is this version.
    pub(crate) fn plain(&self, version: &str) {
        self.put("iptables", &format!("echo 'iptables {version}'"));
    }

    /// From now on it is written down which legacy tools chainkeeper starts. Each does what it does.
    pub(crate) fn count_starts(&self) {
        self.counts.store(true, Ordering::Relaxed);
        for name in STARTED {
            self.put(name, &format!("exec '{}' \"$@\"", real(name).display()));
        }
    }

    /// What chainkeeper has started so far of what lies here.
    pub(crate) fn starts(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// From now on the tools are the real ones again, still counted where they were. What scripts have
    /// left is gone.
    pub(crate) fn heal(&self) {
        fs::remove_dir_all(self.bin()).expect("there was something to heal");
        if self.counts.load(Ordering::Relaxed) {
            self.count_starts();
        }
    }

    /// What a script left in that file; empty where it left none.
    pub(crate) fn left(&self, file: &str) -> String {
        fs::read_to_string(self.bin().join(file)).unwrap_or_default()
    }

    /// The PATH of chainkeeper on this host.
    pub(super) fn search_path(&self) -> OsString {
        let path = env::var_os("PATH").unwrap_or_default();
        let all = iter::once(self.bin()).chain(env::split_paths(&path));
        env::join_paths(all).expect("the target directory has no colon")
    }

    fn bin(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// Of the starts.
    fn log(&self) -> PathBuf {
        self.folder.join("starts")
    }
}

/// Where the real one is. A machine without it runs no test that needs it: that is no pass.
fn real(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let all = env::split_paths(&path).chain(system).map(|folder| folder.join(name));
    let found = all.into_iter().find(|file| file.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed, and this test needs it"))
}

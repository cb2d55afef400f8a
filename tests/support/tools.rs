//! Legacy tools that go wrong, for one host: scripts under the names of the real ones. And its lock.
use super::{Host, Running, eventually};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

impl Host {
    /// From now on, both families' tool of that kind (`save`, `restore`) is this shell script for every
    /// chainkeeper on this host, and for nobody else. It knows the real tool as `$real`, the lock as
    /// `$lock`, and the folder for what it leaves as `$here`.
    pub(crate) fn doctor(&self, kind: &str, script: &str) {
        fs::create_dir_all(self.tools()).expect("the target directory can be written");
        for base in ["iptables", "ip6tables"] {
            let tool = self.tools().join(format!("{base}-legacy-{kind}"));
            let (lock, here) = (self.lock(), self.tools());
            let names = format!(
                "PATH=$PATH:/usr/sbin:/sbin\nreal=$(PATH=${{PATH#*:}} command -v {base}-legacy-{kind})\n\
                 lock='{}'\nhere='{}'",
                lock.display(),
                here.display()
            );
            fs::write(&tool, format!("#!/bin/sh\n{names}\n{script}\n")).expect("a script");
            fs::set_permissions(&tool, Permissions::from_mode(0o755)).expect("executable");
        }
    }

    /// From now on the tools are the real ones again, and what scripts have left is gone.
    pub(crate) fn heal(&self) {
        fs::remove_dir_all(self.tools()).expect("there was something to heal");
    }

    /// What a script left in that file; empty where it left none.
    pub(crate) fn left(&self, file: &str) -> String {
        fs::read_to_string(self.tools().join(file)).unwrap_or_default()
    }

    fn tools(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// Lets flock(1) hold the xtables lock for so many seconds, or until what is returned is dropped.
    pub(crate) fn hold_lock(&self, seconds: u32) -> Running {
        let lock = self.lock();
        let holder = self.start("flock", &format!("--no-fork {} sleep {seconds}", lock.display()));
        eventually("the lock is held", || !self.lock_is_free());
        holder
    }

    /// Nobody holds the xtables lock. Makes the file where there is none.
    pub(crate) fn lock_is_free(&self) -> bool {
        self.try_sh(&format!("flock -n {} true", self.lock().display())).code == 0
    }

    /// All legacy tables of both families with their counters, without dates. Makes no table.
    pub(crate) fn legacy_tables(&self) -> String {
        let text = self.sh("iptables-legacy-save -c; ip6tables-legacy-save -c");
        text.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect()
    }

    /// The chains of our names in the legacy tables, such as `ip nat KUBE-MARK-MASQ`.
    pub(crate) fn legacy_chains(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (tool, family) in [("iptables-legacy", "ip"), ("ip6tables-legacy", "ip6")] {
            let mut table = String::new();
            for line in self.sh(&format!("{tool}-save")).lines() {
                if let Some(name) = line.strip_prefix('*') {
                    table = name.to_owned();
                }
                let name = line.strip_prefix(':').and_then(|l| l.split(' ').next());
                let name = name.filter(|n| n.starts_with("KUBE-") || n.starts_with("CHAINKEEPER-"));
                found.extend(name.map(|name| format!("{family} {table} {name}")));
            }
        }
        found.sort();
        found
    }
}

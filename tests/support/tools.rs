//! Legacy tools that go wrong, for one host: scripts under the names of the real ones. And its lock.
use super::{Host, PROGRAM, Running, Said, eventually};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

impl Host {
    /// From now on, both families' tool of that kind (`save`, `restore`) is this shell script for every
    /// chainkeeper on this host, and for nobody else. It knows the real tool as `$real`, the lock as
    /// `$lock`, and the folder for what it leaves as `$here`.
    pub(crate) fn doctor(&self, kind: &str, script: &str) {
        for base in ["iptables", "ip6tables"] {
            let (lock, here) = (self.lock(), self.tools());
            let names = format!(
                "PATH=$PATH:/usr/sbin:/sbin\nreal=$(PATH=${{PATH#*:}} command -v {base}-legacy-{kind})\n\
                 lock='{}'\nhere='{}'",
                lock.display(),
                here.display()
            );
            self.tool(&format!("{base}-legacy-{kind}"), &format!("{names}\n{script}"));
        }
    }

    /// From now on the plain `iptables` of this host says that it is this version.
    pub(crate) fn plain(&self, version: &str) {
        self.tool("iptables", &format!("echo 'iptables {version}'"));
    }

    fn tool(&self, name: &str, script: &str) {
        fs::create_dir_all(self.tools()).expect("the target directory can be written");
        let tool = self.tools().join(name);
        fs::write(&tool, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&tool, Permissions::from_mode(0o755)).expect("executable");
    }

    /// From now on the tools are the real ones again, and what scripts have left is gone.
    pub(crate) fn heal(&self) {
        fs::remove_dir_all(self.tools()).expect("there was something to heal");
    }

    /// What a script left in that file; empty where it left none.
    pub(crate) fn left(&self, file: &str) -> String {
        fs::read_to_string(self.tools().join(file)).unwrap_or_default()
    }

    /// Runs chainkeeper with these words under `setpriv` or the like.
    pub(crate) fn ck_under(&self, before: &str, words: &str) -> Said {
        let path = format!("PATH={}:$PATH", self.tools().display());
        self.try_sh(&format!("{path} exec {before} {PROGRAM} {words}"))
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

/// `setpriv` for nobody with that group and these capabilities. `None`, with a word, where there is no such
/// user: in the user namespace that `make test` makes without root.
pub(crate) fn nobody(group: u32, caps: &str) -> Option<String> {
    let setpriv = format!("setpriv --reuid 65534 --regid {group} --clear-groups");
    let works = Command::new("sh").args(["-c", &format!("{setpriv} true")]).status();
    if !works.expect("sh").success() {
        println!("left out: this user namespace has no user 65534");
        return None;
    }
    Some(format!("{setpriv} --inh-caps={caps} --ambient-caps={caps}"))
}

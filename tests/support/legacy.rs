//! The xtables lock of one host, and its legacy tables.
use super::{Host, Running, eventually};

impl Host {
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
}

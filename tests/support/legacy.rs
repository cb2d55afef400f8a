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

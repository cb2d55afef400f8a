//! Tools that go wrong: scripts under the names of the real ones, in a folder that is looked in first.
use super::lock_file;
use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// Gone when dropped.
#[derive(Debug)]
pub(crate) struct Doctored {
    folder: PathBuf,
    limit: Duration,
}

impl Doctored {
    /// Both families' tool of that kind, `save` or `restore`, is this shell script. It knows the real
    /// tool as `$real`, the lock of the test as `$lock`, the folder for what it leaves as `$here`, and
    /// sees one family as four, the other one as six: `$family`.
    pub(crate) fn new(name: &str, kind: &str, script: &str) -> Doctored {
        let folder = format!("{}-{name}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).expect("the target directory can be written");
        for (base, family) in [("iptables", "four"), ("ip6tables", "six")] {
            let tool = folder.join(format!("{base}-legacy-{kind}"));
            let (lock, here) = (lock_file("ours"), folder.display());
            let names = format!(
                "real=$(command -v {base}-legacy-{kind})\nlock='{}'\nhere='{here}'\nfamily={family}",
                lock.display()
            );
            fs::write(&tool, format!("#!/bin/sh\n{names}\n{script}\n")).expect("a script");
            fs::set_permissions(&tool, Permissions::from_mode(0o755)).expect("executable");
        }
        Doctored { folder, limit: Duration::from_secs(20) }
    }

    /// How long a tool may run.
    pub(crate) fn limit(mut self, limit: Duration) -> Doctored {
        self.limit = limit;
        self
    }

    /// A backend that works with these tools, and the real ones for the rest.
    pub(crate) fn backend(&self) -> LegacyBackend {
        let path = std::env::var_os("PATH").expect("PATH is set");
        let folders: Vec<_> = [self.folder.clone()]
            .into_iter()
            .chain(std::env::split_paths(&path))
            .chain([PathBuf::from("/usr/sbin")])
            .collect();
        let setup = Setup::with(Tools::find_in(&folders));
        LegacyBackend::open(Setup { lock: lock_file("ours"), limit: self.limit, ..setup })
            .expect("iptables-legacy")
    }

    /// What a script left in that file; empty where it left none.
    pub(crate) fn left(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap_or_default()
    }
}

impl Drop for Doctored {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

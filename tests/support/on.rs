//! The two backends, the iptables that stands for "somebody else" in each, and what we start of it.
use super::Host;
use chainkeeper_contract::Family;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::{env, fs};

/// What a host uses, and a test is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Nft,
    Legacy,
}

/// Each backend and family: its iptables, and nft's word for the family.
pub(crate) const EVERYWHERE: [(On, &str, &str); 4] = [
    (On::Nft, "iptables-nft", "ip"),
    (On::Nft, "ip6tables-nft", "ip6"),
    (On::Legacy, "iptables-legacy", "ip"),
    (On::Legacy, "ip6tables-legacy", "ip6"),
];

/// What chainkeeper starts for legacy.
const STARTED: [&str; 4] = [
    "iptables-legacy-save",
    "ip6tables-legacy-save",
    "iptables-legacy-restore",
    "ip6tables-legacy-restore",
];

impl On {
    pub(crate) const BOTH: [On; 2] = [On::Nft, On::Legacy];

    /// By its name.
    pub(crate) fn named(name: &str) -> On {
        On::BOTH.into_iter().find(|on| on.name() == name).expect("nft or legacy")
    }

    /// As `--backend` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            On::Nft => "nft",
            On::Legacy => "legacy",
        }
    }

    /// The iptables of both families.
    pub(crate) const fn tools(self) -> [&'static str; 2] {
        match self {
            On::Nft => ["iptables-nft", "ip6tables-nft"],
            On::Legacy => ["iptables-legacy", "ip6tables-legacy"],
        }
    }

    /// The iptables of that family.
    pub(crate) fn iptables(self, family: Family) -> &'static str {
        let [v4, v6] = self.tools();
        match family {
            Family::Ipv4 => v4,
            Family::Ipv6 => v6,
        }
    }
}

impl Host {
    /// The backend that it remembers.
    pub(crate) fn on(&self) -> On {
        self.on
    }

    /// How often something was written: on nft by anybody, on legacy by chainkeeper (its restores).
    pub(crate) fn writes(&self) -> usize {
        match self.on {
            On::Nft => self.generation() as usize,
            On::Legacy => self.starts().iter().filter(|name| name.ends_with("-restore")).count(),
        }
    }

    /// From now on writes down which legacy tools chainkeeper starts: scripts of their names are first in
    /// its PATH. Each does what the tool does.
    pub(crate) fn count_starts(&self) {
        for name in STARTED {
            let real = tool(name);
            self.replace(name, &format!("exec {} \"$@\"", real.display()));
        }
    }

    /// Puts a shell script in the place of a tool, for chainkeeper alone. Its start is written down.
    pub(crate) fn replace(&self, name: &str, script: &str) {
        let bin = self.folder.join("bin");
        fs::create_dir_all(&bin).expect("the target directory can be written");
        let (path, log) = (bin.join(name), self.log());
        let text = format!("#!/bin/sh\necho {name} >>'{}'\n{script}\n", log.display());
        fs::write(&path, text).expect("the target directory can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    /// The legacy tools that chainkeeper has started so far.
    pub(crate) fn starts(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn log(&self) -> PathBuf {
        self.folder.join("starts")
    }

    /// The PATH of chainkeeper on this host.
    pub(super) fn path_of_ours(&self) -> OsString {
        let path = env::var_os("PATH").unwrap_or_default();
        let bin = self.folder.join("bin");
        let all = std::iter::once(bin).chain(env::split_paths(&path));
        env::join_paths(all).expect("the target directory has no colon")
    }
}

/// Where the real one is. A machine without it runs no test that needs it: that is no pass.
fn tool(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed, and this test needs it"))
}

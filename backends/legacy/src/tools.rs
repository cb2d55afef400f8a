//! The tools under the names that distributions give them.
use crate::child;
use chainkeeper_contract::{BackendError, ErrorKind, Family};
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where services often have no PATH to.
const SYSTEM: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];
const ASKING: Duration = Duration::from_secs(5);

/// A tool: a program, or one of the many names of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    path: PathBuf,
    /// The first argument of `xtables-legacy-multi`.
    name: Option<String>,
}

/// What reads and what writes one family.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    save: Program,
    restore: Program,
}

/// The legacy tools of each family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools(BTreeMap<Family, Pair>);

/// What the plain name `iptables` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Its `--version` ends in `(nf_tables)`; else it is legacy's, which is all there was before 1.8.
    pub nf_tables: bool,
    /// Such as `/usr/sbin/iptables is v1.8.9 (nf_tables)`.
    pub text: String,
}

impl Tools {
    /// Looks in PATH and where system programs live.
    pub fn find() -> Tools {
        Tools::find_in(&path())
    }

    /// Looks in these folders: `iptables-legacy-save`, then `xtables-legacy-multi`, then a plain
    /// `iptables-save` whose `iptables --version` does not say nf_tables.
    pub fn find_in(folders: &[PathBuf]) -> Tools {
        let pair = |family| Some((family, pair(folders, family)?));
        Tools(Family::ALL.into_iter().filter_map(pair).collect())
    }

    /// What is there, for people; or what is missing.
    pub fn describe(&self) -> Result<String, String> {
        let [v4, v6] = Family::ALL.map(|f| self.0.get(&f).map(|p| p.restore.path.display()));
        match (v4, v6) {
            (Some(v4), Some(v6)) if v4.to_string() == v6.to_string() => Ok(v4.to_string()),
            (Some(v4), Some(v6)) => Ok(format!("{v4}, {v6}")),
            (Some(v4), None) => Ok(format!("{v4}; no ip6tables-legacy-restore")),
            (None, Some(v6)) => Ok(format!("{v6}; no iptables-legacy-restore")),
            (None, None) => {
                Err("iptables-legacy-save and -restore are not in PATH, under no name \
                                 that a distribution gives them"
                    .into())
            }
        }
    }

    /// The command that prints a family's tables.
    pub(crate) fn save(&self, family: Family) -> Option<Command> {
        self.0.get(&family).map(|p| p.save.command())
    }

    /// The command that writes a family's tables.
    pub(crate) fn restore(&self, family: Family) -> Option<Command> {
        self.0.get(&family).map(|p| p.restore.command())
    }
}

impl Program {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.name);
        command
    }
}

/// PATH, and behind it the folders of system programs.
fn path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.chain(SYSTEM.map(PathBuf::from)).collect()
}

fn pair(folders: &[PathBuf], family: Family) -> Option<Pair> {
    let base = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    let own = |name: String| Some(Program { path: find(folders, &name)?, name: None });
    if let (Some(save), Some(restore)) =
        (own(format!("{base}-legacy-save")), own(format!("{base}-legacy-restore")))
    {
        return Some(Pair { save, restore });
    }
    if let Some(multi) = find(folders, "xtables-legacy-multi") {
        let part = |name| Program { path: multi.clone(), name: Some(format!("{base}-{name}")) };
        return Some(Pair { save: part("save"), restore: part("restore") });
    }
    let plain = find(folders, base).filter(|p| version(p).is_some_and(|v| !is_nft(&v)))?;
    let beside =
        |name| Some(Program { path: executable(&plain.with_file_name(name))?, name: None });
    Some(Pair {
        save: beside(format!("{base}-save"))?,
        restore: beside(format!("{base}-restore"))?,
    })
}

/// What a plain `iptables` in PATH is. In a container that is the image's, not the host's.
pub fn plain() -> Option<Plain> {
    let path = find(&path(), "iptables")?;
    let version = version(&path)?;
    let text = format!("{} is {version}", path.display());
    Some(Plain { nf_tables: is_nft(&version), text })
}

fn is_nft(version: &str) -> bool {
    version.ends_with("(nf_tables)")
}

/// `v1.8.9 (legacy)`. Touches no table (measured with 1.8.9).
fn version(iptables: &Path) -> Option<String> {
    let mut command = Command::new(iptables);
    command.arg("--version");
    let ended = child::start(command, "", false, None, ASKING).ok()?.finish().ok()?;
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    let text = text.trim();
    let version = text.strip_prefix("iptables ").or(text.strip_prefix("ip6tables "))?;
    Some(version.to_owned())
}

fn find(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    folders.iter().find_map(|folder| executable(&folder.join(name)))
}

fn executable(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = path.metadata().ok()?;
    (meta.is_file() && meta.permissions().mode() & 0o111 != 0).then(|| path.to_owned())
}

/// What it is called in messages, whatever its name here.
pub(crate) fn save_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "iptables-legacy-save",
        Family::Ipv6 => "ip6tables-legacy-save",
    }
}

/// As [`save_name`].
pub(crate) fn restore_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "iptables-legacy-restore",
        Family::Ipv6 => "ip6tables-legacy-restore",
    }
}

pub(crate) fn no_tool(family: Family, what: &str) -> BackendError {
    let words = format!("{} and {} are not in PATH", save_name(family), restore_name(family));
    BackendError::Failed { kind: ErrorKind::Unsupported, what: what.to_owned(), words }
}

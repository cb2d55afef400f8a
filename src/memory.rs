//! What is remembered between runs: one small file, written whole or not at all.
//!
//! The choice of a backend outlives a reboot: at boot the host is empty, and memory is all there is. What
//! was created and seen belongs to one boot and one network namespace; elsewhere it proves nothing.
use crate::probe::Kind;
use chainkeeper_contract::{ChainName, Created, Family, Table};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tracing::warn;

/// Where it is, unless told otherwise: where systemd says (StateDirectory=), else in /var/lib.
pub fn default() -> PathBuf {
    let folder = std::env::var_os("STATE_DIRECTORY").filter(|f| !f.is_empty());
    PathBuf::from(folder.unwrap_or_else(|| "/var/lib/chainkeeper".into())).join("state.json")
}

/// Of the file's form.
const VERSION: u32 = 1;

/// An earlier choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Which backend.
    pub backend: Kind,
    /// Whether it rested on evidence.
    pub evidence: bool,
}

/// What is remembered, as far as it is true here and now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The last choice.
    pub choice: Option<Chosen>,
    /// A kube-proxy was seen since boot.
    pub kube_proxy: bool,
    /// Chains that we created in legacy tables.
    pub created: Created,
}

/// The file, and where we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    path: Option<PathBuf>,
    place: Place,
}

/// One boot, one network namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    boot: String,
    /// As `/proc/thread-self/ns/net` names it: `net:[INODE]`.
    namespace: String,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    choice: Option<Chosen>,
    #[serde(flatten)]
    place: Place,
    kube_proxy: bool,
    created: Vec<(Family, Table, ChainName)>,
}

impl Memory {
    /// Remembers nothing.
    pub fn none() -> Memory {
        Memory { path: None, place: Place::default() }
    }

    /// The memory in that file, for the network namespace of this thread.
    pub fn at(path: &Path) -> Memory {
        Memory { path: Some(path.to_owned()), place: Place::here() }
    }

    /// The file, if there is to be one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is remembered. A file that is not there is an empty one; one that cannot be read or
    /// understood is, too, with a complaint: nothing is proven then.
    pub fn load(&self) -> (State, Option<String>) {
        let Some(path) = &self.path else { return (State::default(), None) };
        let complaint = |why: &dyn std::fmt::Display| {
            (State::default(), Some(format!("nothing is remembered: {}: {why}", path.display())))
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return (State::default(), None);
            }
            Err(error) => return complaint(&error),
        };
        match serde_json::from_str::<File>(&text) {
            Ok(file) if file.version == VERSION => (self.state(file), None),
            Ok(file) => complaint(&format!("version {} is not {VERSION}", file.version)),
            Err(error) => complaint(&error),
        }
    }

    fn state(&self, file: File) -> State {
        match file.place == self.place && !self.place.boot.is_empty() {
            true => State {
                choice: file.choice,
                kube_proxy: file.kube_proxy,
                created: file.created.into_iter().collect(),
            },
            false => State { choice: file.choice, ..State::default() },
        }
    }

    /// Changes what is remembered: nobody else does in between. The complaint, if there is one. Where
    /// nothing is new, nothing is touched.
    pub fn update(&self, change: impl Fn(&mut State)) -> Option<String> {
        let path = self.path.as_deref()?;
        let changed = || {
            let (before, complaint) = self.load();
            let mut state = before.clone();
            change(&mut state);
            (Some(state).filter(|state| *state != before), complaint)
        };
        if let (None, complaint) = changed() {
            return complaint;
        }
        let written = locked(path, || changed().0.map_or(Ok(()), |state| self.write(path, state)));
        written.err().map(|error| format!("cannot remember in {}: {error}", path.display()))
    }

    fn write(&self, path: &Path, state: State) -> io::Result<()> {
        let State { choice, kube_proxy, created } = state;
        let (place, created) = (self.place.clone(), created.into_iter().collect());
        write(path, &File { version: VERSION, choice, place, kube_proxy, created })
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A folder can be locked like a file, so there is no file of locks to leave behind.
fn locked<T>(path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    fs::create_dir_all(folder(path))?;
    let lock = Flock::lock(fs::File::open(folder(path))?, FlockArg::LockExclusive);
    let _held = lock.map_err(|(_, errno)| errno)?;
    work()
}

/// Writes a new file beside the old one and puts it in its place.
fn write(path: &Path, file: &File) -> io::Result<()> {
    let mut new = tempfile::NamedTempFile::new_in(folder(path))?;
    serde_json::to_writer(&mut new, file)?;
    new.write_all(b"\n")?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

impl Place {
    /// Empty where it cannot be read: equal to no other place then.
    fn here() -> Place {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/thread-self/ns/net").unwrap_or_default();
        Place { boot: boot.trim().to_owned(), namespace: namespace.display().to_string() }
    }
}

/// Says each complaint once: keeping goes on without a memory.
#[derive(Debug, Default)]
pub(crate) struct Complaints(String);

impl Complaints {
    pub(crate) fn say(&mut self, complaint: Option<String>) {
        let complaint = complaint.unwrap_or_default();
        if complaint != self.0 && !complaint.is_empty() {
            warn!("{complaint}");
        }
        self.0 = complaint;
    }
}

//! What is remembered between runs: one small file, written whole or not at all.
//!
//! The choice of a backend outlives a reboot: at boot the host is empty, and memory is all there is. What
//! was created and seen belongs to one boot and one network namespace; elsewhere it proves nothing.
mod file;

use crate::backends::Kind;
use chainkeeper_contract::Created;
use file::{File, VERSION, alone, read, sweep, write};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::warn;

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
pub struct Recalled {
    /// The last choice.
    pub choice: Option<Chosen>,
    /// A kube-proxy was seen since boot.
    pub kube_proxy: bool,
    /// Chains that we created in legacy tables.
    pub created: Created,
}

/// The file, and where we are. Clones are the same memory.
#[derive(Debug, Clone)]
pub struct Memory {
    path: Option<PathBuf>,
    place: Place,
    run: Arc<Mutex<Run>>,
}

/// For as long as this program runs.
#[derive(Debug, Default)]
struct Run {
    /// What could not be written, or has no file to be written to.
    unsaved: Option<Recalled>,
    /// What was said of the file last: of reading it, and of writing it.
    said: [String; 2],
}

/// One boot, one network namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    boot: String,
    /// As `/proc/thread-self/ns/net` names it: `net:[INODE]`.
    namespace: String,
}

impl Memory {
    /// Without a file: remembers for as long as this program runs.
    pub fn none() -> Memory {
        Memory { path: None, place: Place::default(), run: Arc::default() }
    }

    /// The memory in that file, for the network namespace of this thread.
    pub fn at(path: &Path) -> Memory {
        Memory { path: Some(path.to_owned()), place: Place::here(), run: Arc::default() }
    }

    /// The file, if there is to be one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is remembered. A file that is not there is an empty one; one that cannot be read or
    /// understood is, too, with a complaint: nothing is proven then.
    pub fn load(&self) -> (Recalled, Option<String>) {
        if let Some(state) = &self.run().unsaved {
            return (state.clone(), None);
        }
        match self.file() {
            Ok(file) => (file.map(|file| self.state(file)).unwrap_or_default(), None),
            Err(complaint) => (Recalled::default(), Some(complaint)),
        }
    }

    fn file(&self) -> Result<Option<File>, String> {
        let Some(path) = &self.path else { return Ok(None) };
        read(path).map_err(|why| format!("nothing is remembered: {}: {why}", path.display()))
    }

    fn state(&self, file: File) -> Recalled {
        let (choice, kube_proxy) = (file.choice, file.kube_proxy);
        match file.place == self.place && self.place.is_known() {
            true => Recalled { choice, kube_proxy, created: file.created.into_iter().collect() },
            false => Recalled { choice, ..Recalled::default() },
        }
    }

    /// What is remembered; says once in the journal why nothing is.
    pub fn recall(&self) -> Recalled {
        let (state, complaint) = self.load();
        self.say(0, complaint);
        state
    }

    /// Changes what is remembered, with other writers kept out. What cannot be written is said once, and
    /// remembered until the program ends.
    pub fn update(&self, change: impl Fn(&mut Recalled)) {
        let changed = |mut state: Recalled| {
            let before = state.clone();
            change(&mut state);
            (state != before).then_some(state)
        };
        let unsaved = self.run().unsaved.is_some();
        if changed(self.load().0).is_none() && !(unsaved && self.path.is_some()) {
            return self.say(1, None);
        }
        let alone = self.path.as_deref().and_then(alone);
        if let (Some(_), Some(path)) = (&alone, &self.path) {
            sweep(path);
        }
        // Another program may have written meanwhile.
        let (state, _) = self.load();
        let state = changed(state.clone()).unwrap_or(state);
        let failed = self.save(&state).err();
        self.run().unsaved = (failed.is_some() || self.path.is_none()).then_some(state);
        self.say(1, failed);
    }

    /// Writes a new file beside the old one and puts it in its place.
    fn save(&self, state: &Recalled) -> Result<(), String> {
        let Some(path) = &self.path else { return Ok(()) };
        let complaint =
            |why: &dyn std::fmt::Display| format!("cannot remember in {}: {why}", path.display());
        // Not the whole error: it names a file that is called otherwise each time.
        let put = |file| write(path, &file).map_err(|e| complaint(&e.kind()));
        let (version, choice) = (VERSION, state.choice);
        if self.place.is_known() {
            let (place, kube_proxy) = (self.place.clone(), state.kube_proxy);
            let created = state.created.iter().cloned().collect();
            return put(File { version, choice, place, kube_proxy, created });
        }
        // The rest of what is there may be true here, and would be forgotten.
        let old = self.file().ok().flatten().unwrap_or_default();
        if old.choice != choice {
            put(File { version, choice, ..old })?;
        }
        Err(complaint(&"which boot and network namespace this is cannot be read"))
    }

    /// Keeping goes on without a memory, so each complaint is said once.
    fn say(&self, about: usize, complaint: Option<String>) {
        let complaint = complaint.unwrap_or_default();
        let said = &mut self.run().said[about];
        if *said != complaint && !complaint.is_empty() {
            warn!("{complaint}");
        }
        *said = complaint;
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What cannot be read is equal to no other place.
    fn is_known(&self) -> bool {
        !self.boot.is_empty() && !self.namespace.is_empty()
    }

    /// Empty where it cannot be read.
    fn here() -> Place {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/thread-self/ns/net").unwrap_or_default();
        Place { boot: boot.trim().to_owned(), namespace: namespace.display().to_string() }
    }
}

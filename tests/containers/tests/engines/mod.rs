//! Real engines, and what a container of chainkeeper can be given by them.
mod containerd;
mod daemon;
mod docker;
mod docker_like;
mod podman;
mod want;

pub(crate) use docker::client as docker;
pub(crate) use want::{FULL, NFT, NONROOT, Want, images, next_version, version};

use crate::node::{Node, Said, eventually, said};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const ENGINES: [Kind; 3] = [Kind::Podman, Kind::Docker, Kind::Containerd];

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// podman with runc: hands capabilities to other users as ambient ones.
    Podman,
    /// dockerd in the node's network, so that its host network is the node's.
    Docker,
    /// containerd by `ctr`: the sets of capabilities that Kubernetes hands over.
    Containerd,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Podman => "podman",
            Kind::Docker => "Docker",
            Kind::Containerd => "containerd",
        }
    }

    /// Can it run a container like that at all? Docker has user namespaces for all containers or none; ctr cannot
    /// make one over a network of the node, and always makes a pid namespace.
    pub(crate) fn can(self, want: &Want) -> bool {
        match self {
            Kind::Podman => true,
            Kind::Docker => !want.mapped,
            Kind::Containerd => !want.mapped && !want.host_pid,
        }
    }

    /// Starts it for a node.
    pub(crate) fn start(self, node: &Node) -> Engine<'_> {
        let talks: Box<dyn Talks> = match self {
            Kind::Podman => Box::new(podman::Podman(node)),
            Kind::Docker => Box::new(docker::Docker::start(node)),
            Kind::Containerd => Box::new(containerd::Containerd::start(node)),
        };
        Engine { kind: self, node, talks, loaded: RefCell::default() }
    }
}

/// What differs from engine to engine.
trait Talks {
    /// The command that runs a container of that name, in the background or not.
    fn run(&self, name: &str, want: &Want, detached: bool) -> Command;
    /// The command that runs a command in it.
    fn exec(&self, name: &str) -> Command;
    /// What its first process has printed.
    fn logs(&self, name: &str) -> String;
    /// Asks its first process to end by SIGTERM, waits for it and removes the container; its exit code.
    fn stop(&self, name: &str) -> i32;
    /// Does its first process run?
    fn is_running(&self, name: &str) -> bool;
    /// Is it well, by the engine's health check?
    fn is_healthy(&self, name: &str) -> bool;
    /// Loads an archive of an image.
    fn load(&self, archive: &str) -> Said;
}

/// An engine of a node.
pub(crate) struct Engine<'n> {
    pub(crate) kind: Kind,
    pub(crate) node: &'n Node,
    talks: Box<dyn Talks + 'n>,
    loaded: RefCell<BTreeSet<String>>,
}

/// A container that runs in the background.
pub(crate) struct Container<'e> {
    engine: &'e Engine<'e>,
    name: String,
}

fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // runc knows the containers of every test by their names.
    format!("ck{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Engine<'_> {
    /// Loads an archive of an image that is not chainkeeper's.
    pub(crate) fn load(&self, archive: &str) {
        let done = self.talks.load(archive);
        assert_eq!(done.code, 0, "{}: {done:?}", self.kind.name());
    }

    /// Loads the archive that `make image` has left, once.
    fn load_ours(&self, want: &Want) {
        let file = want.archive();
        if self.loaded.borrow_mut().insert(want.tag()) && Path::new(&file).exists() {
            self.load(&file);
        }
    }

    /// Runs a container to its end.
    pub(crate) fn run(&self, want: &Want) -> Said {
        self.load_ours(want);
        said(&mut self.talks.run(&next_name(), want, false))
    }

    /// The same in the background.
    pub(crate) fn start(&self, want: &Want) -> Container<'_> {
        self.try_start(want)
            .unwrap_or_else(|said| panic!("{}: {want:?}\n{said:?}", self.kind.name()))
    }

    /// The same, where the engine itself may be unable to.
    pub(crate) fn try_start(&self, want: &Want) -> Result<Container<'_>, Said> {
        self.load_ours(want);
        let name = next_name();
        let begun = said(&mut self.talks.run(&name, want, true));
        if begun.code != 0 { Err(begun) } else { Ok(Container { engine: self, name }) }
    }

    /// Runs chainkeeper with these words in a container like that.
    pub(crate) fn ck(&self, want: &Want, words: &'static str) -> Said {
        self.run(&Want { words, ..want.clone() })
    }
}

impl Container<'_> {
    /// Runs chainkeeper with these words in it, as an operator does.
    pub(crate) fn exec(&self, words: &str) -> Said {
        let mut command = self.engine.talks.exec(&self.name);
        said(command.arg("/chainkeeper").args(words.split_whitespace()))
    }

    pub(crate) fn logs(&self) -> String {
        self.engine.talks.logs(&self.name)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.engine.talks.is_running(&self.name)
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.engine.talks.is_healthy(&self.name)
    }

    /// Asks it to end, and waits; its exit code.
    pub(crate) fn stop(self) -> i32 {
        self.engine.talks.stop(&self.name)
    }

    /// Waits until the keeper says that all is in place.
    pub(crate) fn in_sync(&self) {
        eventually(&format!("{} keeps: {}", self.engine.kind.name(), self.logs()), || {
            self.exec("check").code == 0
        });
    }
}

//! How a container is run.
use crate::node::Node;

/// Which image: the end of its tag.
pub(crate) const NFT: &str = "";
pub(crate) const FULL: &str = "-full";
pub(crate) const NONROOT: &str = "-nonroot";

/// How a container is run. The default is what the manifest for nft says.
#[derive(Debug, Clone)]
pub(crate) struct Want {
    /// The first part of the image's name.
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) image: &'static str,
    /// What is run in the place of the image's own program.
    pub(crate) program: Option<&'static str>,
    pub(crate) words: &'static str,
    /// Settings, which commands that are run in it later have, too.
    pub(crate) environment: &'static [&'static str],
    pub(crate) capabilities: &'static [&'static str],
    /// `uid:gid`; `None`: that of the image.
    pub(crate) user: Option<&'static str>,
    pub(crate) no_new_privs: bool,
    pub(crate) read_only: bool,
    /// In the node's network; else in none but its own `lo`.
    pub(crate) host_network: bool,
    pub(crate) host_pid: bool,
    /// In a user namespace.
    pub(crate) mapped: bool,
    /// The node's /run/chainkeeper is mounted.
    pub(crate) run: bool,
    /// What of the node stands for it.
    pub(crate) folder: &'static str,
    /// What of the node is mounted, read-only, as /run/xtables.lock.
    pub(crate) lock: Option<&'static str>,
}

impl Want {
    pub(crate) fn nft() -> Want {
        Want {
            name: "chainkeeper",
            version: version(),
            image: NFT,
            program: None,
            words: "run",
            environment: &[],
            capabilities: &["NET_ADMIN"],
            user: None,
            no_new_privs: true,
            read_only: true,
            host_network: true,
            host_pid: false,
            mapped: false,
            run: true,
            folder: "run",
            lock: None,
        }
    }

    pub(crate) fn legacy() -> Want {
        Want {
            image: FULL,
            environment: &["CHAINKEEPER_BACKEND=legacy"],
            capabilities: &["NET_ADMIN", "NET_RAW"],
            lock: Some("xtables.lock"),
            ..Want::nft()
        }
    }

    pub(super) fn tag(&self) -> String {
        // As each engine completes a name without a registry.
        format!("docker.io/library/{}:{}{}", self.name, self.version, self.image)
    }

    /// Where `make image` has left it.
    pub(crate) fn archive(&self) -> String {
        let image = if self.image == NFT { "-nft" } else { self.image };
        format!("{}/chainkeeper-{}{image}.tar", images(), self.version)
    }

    /// What is mounted: from, to, read-only.
    pub(super) fn mounts(&self, node: &Node) -> Vec<(String, &'static str, bool)> {
        let run = self.run.then(|| (node.path(self.folder), "/run/chainkeeper", false));
        let lock = self.lock.map(|name| (node.path(name), "/run/xtables.lock", true));
        run.into_iter().chain(lock).collect()
    }
}

/// The version of this tree.
pub(crate) fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The same tree as the version after it.
pub(crate) fn next_version() -> String {
    std::env::var("CHAINKEEPER_NEXT").expect("`make image-test` builds it, and names it here")
}

/// The folder of the images.
pub(crate) fn images() -> String {
    std::env::var("CHAINKEEPER_IMAGES").expect("`make image-test` names the folder of the images")
}

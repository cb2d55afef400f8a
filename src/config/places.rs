//! Where the files of a host are, unless told otherwise: in the folders that systemd names, which it has made.
use std::path::{Path, PathBuf};

/// The state file: in StateDirectory=, else in /var/lib.
pub(super) fn state_file() -> PathBuf {
    folder("STATE_DIRECTORY", "/var/lib/chainkeeper").join("state.json")
}

/// The local socket: in RuntimeDirectory=, else in /run.
pub(super) fn socket() -> PathBuf {
    folder("RUNTIME_DIRECTORY", "/run/chainkeeper").join("chainkeeper.sock")
}

/// systemd parts several folders by colons: the first.
fn folder(variable: &str, otherwise: &str) -> PathBuf {
    let folders = std::env::var_os(variable).unwrap_or_default();
    let first = std::env::split_paths(&folders).find(|f| !f.as_os_str().is_empty());
    first.unwrap_or_else(|| Path::new(otherwise).into())
}

//! What is mounted where, as `mountinfo` has it.
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use procfs::FromBufRead as _;
use procfs::process::{MountInfo, MountInfos};
use serde::Serialize;
use std::fs;
use std::io::BufReader;
use std::path::Path;

/// The mount that a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    /// One of the host's: what is in it outlives the container.
    Mounted,
    /// The root of the container, which goes with it.
    Root,
    /// An `emptyDir`, which goes with the pod.
    Empty,
}

/// Where a file is or is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// In which mount.
    pub ground: Ground,
    /// Nothing can be made there by anybody.
    pub read_only: bool,
    /// Nothing can be made there by this user.
    pub denied: bool,
}

/// What is known of the place of a file. `None`: it could not be found out.
pub(super) fn spot(file: &Path) -> Option<Spot> {
    let (ground, read_only) = ground(file)?;
    let folder = file.ancestors().skip(1).find(|folder| folder.exists())?;
    let denied = access(folder, AccessFlags::W_OK) == Err(Errno::EACCES) && !read_only;
    Some(Spot { ground, read_only, denied })
}

/// The mount, and whether it is read-only.
fn ground(path: &Path) -> Option<(Ground, bool)> {
    let mounts = fs::File::open("/proc/thread-self/mountinfo").ok()?;
    // The folder may be a link (/var/run), or not there yet.
    let there = path.ancestors().find_map(|folder| {
        let rest = path.strip_prefix(folder).ok()?;
        Some(folder.canonicalize().ok()?.join(rest))
    })?;
    ground_of(&MountInfos::from_buf_read(BufReader::new(mounts)).ok()?, &there)
}

/// The same of these mounts. Of two at one place the later one hides the other.
fn ground_of(mounts: &MountInfos, path: &Path) -> Option<(Ground, bool)> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.mount_point));
    let depth = |mount: &&MountInfo| mount.mount_point.components().count();
    let mount = above.max_by_key(depth)?;
    let (root, empty) = (Path::new("/"), mount.root.contains("kubernetes.io~empty-dir"));
    let ground = match mount.mount_point == root {
        true => Ground::Root,
        false if empty => Ground::Empty,
        false => Ground::Mounted,
    };
    Some((ground, mount.mount_options.contains_key("ro")))
}

/// Is it a file that others have, too? One that is not there yet would be made here, where nobody else looks
/// for it: even where the folder is a mount, that may be a tmpfs of the container's own.
pub(super) fn shares(path: &Path) -> bool {
    path.exists() && ground(path).is_none_or(|(ground, _)| ground == Ground::Mounted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of pods, but for the long options of overlayfs.
    fn mounts(more: &str) -> MountInfos {
        let text = format!(
            "1015 901 0:149 / / ro,relatime master:321 - overlay overlay rw,lowerdir=/a,upperdir=/b\n\
             1016 1015 0:155 / /proc rw,nosuid - proc proc rw\n{more}"
        );
        MountInfos::from_buf_read(text.as_bytes()).expect("mounts")
    }

    const LOCK: &str =
        "1021 1015 0:25 /xtables.lock /run/xtables.lock ro,relatime - tmpfs tmpfs rw\n";
    const HOST: &str = "1022 1015 0:25 /chainkeeper /run/chainkeeper rw - tmpfs tmpfs rw\n";
    const EMPTY: &str = "1023 1015 8:1 /var/lib/kubelet/pods/4e/volumes/kubernetes.io~empty-dir/run \
                         /run/chainkeeper rw - ext4 /dev/sda1 rw\n";

    #[track_caller]
    fn is(mounts: &MountInfos, path: &str, ground: (Ground, bool)) {
        assert_eq!(ground_of(mounts, Path::new(path)), Some(ground), "{path}");
    }

    #[test]
    fn the_deepest_mount_holds_it() {
        let (lock, state) = ("/run/xtables.lock", "/run/chainkeeper/state.json");
        is(&mounts(""), lock, (Ground::Root, true));
        is(&mounts(HOST), lock, (Ground::Root, true));
        is(&mounts(LOCK), lock, (Ground::Mounted, true));
        is(&mounts(LOCK), "/run/xtables.lock2", (Ground::Root, true));
        is(&mounts(LOCK), state, (Ground::Root, true));
        is(&mounts(HOST), state, (Ground::Mounted, false));
        is(&mounts(EMPTY), state, (Ground::Empty, false));
        is(&mounts(&format!("{EMPTY}{HOST}")), state, (Ground::Mounted, false));
        is(&mounts(&format!("{HOST}{EMPTY}")), state, (Ground::Empty, false));
        let run = "1024 1015 0:31 / /run rw - tmpfs tmpfs rw\n";
        is(&mounts(run), lock, (Ground::Mounted, false));
        assert_eq!(ground_of(&MountInfos(vec![]), Path::new("/run")), None);
    }
}

//! What is mounted where, as `mountinfo` has it.
use procfs::FromBufRead as _;
use procfs::process::{MountInfo, MountInfos};
use std::fs;
use std::io::BufReader;
use std::path::Path;

/// What holds a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// A mount of its own: what is in it outlives the container.
    Mounted,
    /// The root of the container, which goes with it.
    Root {
        /// Nothing can be made there.
        read_only: bool,
    },
    /// An `emptyDir`, which goes with the pod.
    Empty,
}

/// The ground of a path. `None`: it could not be found out.
pub(super) fn ground(path: &Path) -> Option<Ground> {
    let mounts = fs::File::open("/proc/thread-self/mountinfo").ok()?;
    // The folder may be a link (/var/run), or not there yet.
    let there = path.ancestors().find_map(|folder| {
        let rest = path.strip_prefix(folder).ok()?;
        Some(folder.canonicalize().ok()?.join(rest))
    })?;
    held_by(&MountInfos::from_buf_read(BufReader::new(mounts)).ok()?, &there)
}

/// The same of these mounts. Of two at one place the later one hides the other.
fn held_by(mounts: &MountInfos, path: &Path) -> Option<Ground> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.mount_point));
    let depth = |mount: &&MountInfo| mount.mount_point.components().count();
    let mount = above.max_by_key(depth)?;
    if mount.mount_point == Path::new("/") {
        return Some(Ground::Root { read_only: mount.mount_options.contains_key("ro") });
    }
    let empty = mount.root.contains("kubernetes.io~empty-dir");
    Some(if empty { Ground::Empty } else { Ground::Mounted })
}

/// Is it a file that others have, too? One that is not there yet would be made here, where nobody else looks
/// for it: even where the folder is a mount, that may be a tmpfs of the container's own.
pub(super) fn shares(path: &Path) -> bool {
    path.exists() && ground(path).is_none_or(|ground| ground == Ground::Mounted)
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
    fn is(mounts: &MountInfos, path: &str, ground: Ground) {
        assert_eq!(held_by(mounts, Path::new(path)), Some(ground), "{path}");
    }

    #[test]
    fn the_deepest_mount_holds_it() {
        let (lock, state) = ("/run/xtables.lock", "/run/chainkeeper/state.json");
        is(&mounts(""), lock, Ground::Root { read_only: true });
        is(&mounts(HOST), lock, Ground::Root { read_only: true });
        is(&mounts(LOCK), lock, Ground::Mounted);
        is(&mounts(LOCK), "/run/xtables.lock2", Ground::Root { read_only: true });
        is(&mounts(LOCK), state, Ground::Root { read_only: true });
        is(&mounts(HOST), state, Ground::Mounted);
        is(&mounts(EMPTY), state, Ground::Empty);
        is(&mounts(&format!("{EMPTY}{HOST}")), state, Ground::Mounted);
        is(&mounts(&format!("{HOST}{EMPTY}")), state, Ground::Empty);
        let run = "1024 1015 0:31 / /run rw - tmpfs tmpfs rw\n";
        is(&mounts(run), lock, Ground::Mounted);
    }

    #[test]
    fn a_root_that_can_be_written_is_one() {
        let text = "1015 901 0:149 / / rw,relatime - overlay overlay ro\n";
        let mounts = MountInfos::from_buf_read(text.as_bytes()).expect("mounts");
        is(&mounts, "/run/xtables.lock", Ground::Root { read_only: false });
        let none = MountInfos(vec![]);
        assert_eq!(held_by(&none, Path::new("/run")), None);
    }
}

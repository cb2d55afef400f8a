//! A network namespace that plays the node, and the folders of it that a pod mounts.
pub(crate) use chainkeeper_namespace::{Said, said};

use chainkeeper_namespace::within;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A node. Whatever runs in its network namespace is ended, and the namespace removed, when it is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

impl Node {
    pub(crate) fn new() -> Node {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ck-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        // Not below target/: a socket's path has at most 107 bytes.
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(folder.join("run")).unwrap();
        // As iptables makes it.
        let lock = std::fs::File::create(folder.join("xtables.lock")).unwrap();
        lock.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let node = Node { name, folder };
        let added = Command::new("ip").args(["netns", "add", &node.name]).status().unwrap();
        assert!(added.success(), "these tests need root, and run by `make image-test`");
        // As on a node: not just one interface that leads out.
        node.sh("ip link set lo up; ip link add eth0 type veth peer name eth1");
        node
    }

    /// The file that stands for the namespace.
    pub(crate) fn netns(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    /// A file or folder of the node, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// A command in the node's network, with the node's xtables lock. Not by `ip netns exec`, which hides the
    /// cgroups that the engines need.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.netns())).arg(program);
        command.env("XTABLES_LOCKFILE", self.folder.join("xtables.lock"));
        command
    }

    /// Runs a shell script with `set -e`.
    pub(crate) fn try_sh(&self, script: &str) -> Said {
        said(self.command("sh").args(["-ec", script]))
    }

    /// The same; what it printed. Fails the test if the script fails.
    pub(crate) fn sh(&self, script: &str) -> String {
        self.try_sh(script).good(script)
    }

    /// Every process in the node's network.
    fn processes(&self) -> Vec<String> {
        let pids = said(Command::new("ip").args(["netns", "pids", &self.name])).stdout;
        pids.split_whitespace().map(str::to_owned).collect()
    }

    /// The one process of chainkeeper in the node's network, whoever runs it, by number.
    pub(crate) fn keeper(&self) -> String {
        let is = |pid: &String| {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|c| c.trim() == "chainkeeper")
        };
        let keepers: Vec<String> = self.processes().into_iter().filter(is).collect();
        let [pid] = keepers.try_into().expect("one process of ours");
        pid
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let gone = Instant::now() + Duration::from_secs(5);
        while !self.processes().is_empty() && Instant::now() < gone {
            for pid in self.processes() {
                said(Command::new("kill").args(["-KILL", &pid]));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        said(Command::new("ip").args(["netns", "del", &self.name]));
        release(&self.folder);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Unmounts what an engine that was ended left mounted below a folder.
fn release(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let below =
        |line: &&str| line.split(' ').nth(1).is_some_and(|at| Path::new(at).starts_with(folder));
    for line in mounts.lines().rev().filter(below) {
        let at = line.split(' ').nth(1).unwrap_or_default();
        said(Command::new("umount").args(["--lazy", at]));
    }
}

/// What the kernel says of a process, as `/proc/PID/status` has it.
pub(crate) fn status_of(pid: &str, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_else(|| panic!("no {name}: {status}")).trim().to_owned()
}

/// Asks again and again until it is so, at most 20 s.
pub(crate) fn eventually(what: &str, is: impl FnMut() -> bool) {
    within(20, what, is);
}

//! For tests: network namespaces of their own, somebody else's programs in them, and waiting. Nothing of the
//! machine's own is seen or changed.
#![forbid(unsafe_code)]
mod others;
mod wait;

pub use others::{Iptables, Said, feed, output, said};
pub use wait::{comes_true, eventually, within};

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::process::Command;

/// A network namespace. Gone when dropped: nothing names it, nothing else holds it.
#[derive(Debug)]
pub struct Namespace(File);

impl Namespace {
    /// A new one, without rules, and with no link up.
    pub fn empty() -> Namespace {
        let file = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|e| {
                panic!("this test needs root, or the user namespace that `make test` makes: {e}")
            });
            File::open("/proc/thread-self/ns/net").expect("/proc is mounted")
        });
        Namespace(file.join().expect("a new network namespace"))
    }

    /// Runs `work` on a thread of its own inside. Sockets and processes that it starts stay inside.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET).expect("setns into our own namespace");
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs a shell script with `set -e` inside; what it printed. Fails the test if the script fails.
    pub fn sh(&self, script: &str) -> String {
        self.inside(|| said(Command::new("sh").args(["-ec", script]))).good(script)
    }

    /// A path that names it.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Connects two by a veth pair; both ends are called `name`, are up, and swallow nothing.
    pub fn link(&self, other: &Namespace, name: &str) {
        // Until its link-local address is no longer tentative (a second), a host cannot ask for the other's link
        // address on behalf of an address on lo.
        let conf = "sysctl -qw net.ipv6.conf.default.accept_dad=0".to_owned();
        let pair = format!("ip link add {name} type veth peer name {name}");
        let add = format!("{conf}; {pair} netns {}", other.path());
        let up = format!("ip link set {name} up");
        // A link may swallow what is sent until the kernel has worked through "carrier on".
        let wait = format!(
            "timeout 5 sh -c 'until ip link show {name} | grep -q \"state UP\"; do sleep 0.02; done'"
        );
        for (host, script) in
            [(other, &conf), (self, &add), (self, &up), (other, &up), (self, &wait), (other, &wait)]
        {
            host.sh(script);
        }
    }
}

/// Runs a test in a new namespace, which is gone with it; what the test returns.
pub fn in_netns<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    Namespace::empty().inside(test)
}

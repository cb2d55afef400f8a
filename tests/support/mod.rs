//! A host of the test's own: a network namespace that lives as long as the value.
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Command, Output, Stdio};

/// A network namespace with `lo` up. Gone when dropped: nothing names it, nothing else holds it.
#[derive(Debug)]
pub(crate) struct Host {
    ns: File,
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Host {
    pub(crate) fn new() -> Host {
        let ns = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|e| {
                panic!("this test needs root, or the user namespace that `make test` makes: {e}")
            });
            File::open("/proc/thread-self/ns/net").expect("/proc is mounted")
        });
        let host = Host { ns: ns.join().expect("a new network namespace") };
        host.sh("ip link set lo up");
        host
    }

    /// Runs `work` on a thread of its own inside the namespace. Processes it starts are inside too.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.ns, CloneFlags::CLONE_NEWNET).expect("setns into our own namespace");
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs a shell script with `set -e`; what it printed. Fails the test if the script fails.
    pub(crate) fn sh(&self, script: &str) -> String {
        let said = self.try_sh(script);
        assert!(said.code == 0, "{script}\nexit {}\n{}{}", said.code, said.stdout, said.stderr);
        said.stdout
    }

    /// Runs a shell script with `set -e`.
    pub(crate) fn try_sh(&self, script: &str) -> Said {
        let mut shell = Command::new("sh");
        shell.args(["-ec", script]);
        self.run(shell)
    }

    /// Runs chainkeeper with these words.
    pub(crate) fn ck(&self, words: &str) -> Said {
        let mut program = Command::new(env!("CARGO_BIN_EXE_chainkeeper"));
        program.args(words.split_whitespace());
        self.run(program)
    }

    /// Runs chainkeeper and expects this exit code; what it printed to standard output.
    pub(crate) fn ck_ok(&self, words: &str, code: i32) -> String {
        let said = self.ck(words);
        assert_eq!(said.code, code, "chainkeeper {words}\n{}{}", said.stdout, said.stderr);
        said.stdout
    }

    fn run(&self, mut command: Command) -> Said {
        self.inside(move || said(command.stdin(Stdio::null()).output().expect("program starts")))
    }

    /// The generation number of nf_tables, as `nft monitor` would count it.
    pub(crate) fn generation(&self) -> u32 {
        self.inside(|| {
            use chainkeeper_contract::Backend;
            let mut nft = chainkeeper_nft::NftBackend::open().expect("netlink");
            nft.generation().expect("generation").expect("nft has one")
        })
    }

    /// A path that `ip link set ... netns` takes for this namespace.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.ns.as_raw_fd())
    }

    /// Connects two hosts by a veth pair; both ends are called `name` and are up.
    pub(crate) fn link(&self, other: &Host, name: &str) {
        self.sh(&format!(
            "ip link add {name} type veth peer name {name} netns {}; ip link set {name} up",
            other.path()
        ));
        other.sh(&format!("ip link set {name} up"));
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A save without dates, counters and the policy lines of built-in chains.
pub(crate) fn normalised(save: &str) -> String {
    let keep = |l: &&str| !(l.starts_with('#') || l.starts_with(':') && l.contains(" ACCEPT "));
    save.lines().filter(keep).map(|l| format!("{l}\n")).collect()
}

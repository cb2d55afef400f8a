//! A host of the test's own: a network namespace that lives as long as the value.
mod asked;
mod http;
mod legacy;
mod on;
mod pipe;
mod rights;
mod running;
mod scripts;
mod terminal;

pub(crate) use chainkeeper_namespace::{Said, comes_true, eventually, within};
pub(crate) use http::{ADDRESS, Scrape, promtool, promtool_path};
pub(crate) use on::{EVERYWHERE, On};
pub(crate) use pipe::Pipe;
pub(crate) use rights::nobody;
pub(crate) use running::Running;

use chainkeeper_contract::{Backend as _, Family, Plan, Step, Table};
use chainkeeper_namespace::{Namespace, said};
use chainkeeper_nft::{NftBackend, Setup};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_chainkeeper");

/// A network namespace with `lo` up. Gone when dropped: nothing names it, nothing else holds it.
#[derive(Debug)]
pub(crate) struct Host {
    ns: Namespace,
    /// Of the host's own: what chainkeeper remembers, the xtables lock, and what is in `scripts`.
    folder: PathBuf,
    /// The backend that it remembers, for `writes`.
    on: On,
    /// Starts of legacy tools are counted, see `scripts`.
    counts: AtomicBool,
}

impl Host {
    /// A host on which nft was chosen before the last boot, by evidence.
    pub(crate) fn new() -> Host {
        Host::of(On::Nft)
    }

    /// The same with any backend.
    pub(crate) fn of(on: On) -> Host {
        let mut host = Host::unknown();
        host.on = on;
        let choice = format!("{{\"backend\":\"{}\",\"evidence\":true}}", on.name());
        let rest = "\"boot\":\"\",\"namespace\":\"\",\"kube_proxy\":false,\"created\":[]";
        let state = format!("{{\"version\":1,\"choice\":{choice},{rest}}}");
        std::fs::write(host.state(), state).expect("the target directory can be written");
        if on == On::Legacy {
            host.count_starts();
        }
        host
    }

    /// A host of which nothing is known.
    pub(crate) fn unknown() -> Host {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("host-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("the target directory can be written");
        let host =
            Host { ns: Namespace::empty(), folder, on: On::Nft, counts: AtomicBool::new(false) };
        host.sh("ip link set lo up");
        host
    }

    /// Runs `work` on a thread of its own inside the namespace. Processes it starts are inside too.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.ns.inside(work)
    }

    /// Runs a shell script with `set -e`; what it printed. Fails the test if the script fails.
    pub(crate) fn sh(&self, script: &str) -> String {
        self.try_sh(script).good(script)
    }

    /// The same with this tool in the place of each `$T`.
    pub(crate) fn by(&self, tool: &str, script: &str) -> String {
        self.sh(&script.replace("$T", tool))
    }

    /// Runs a shell script with `set -e`.
    pub(crate) fn try_sh(&self, script: &str) -> Said {
        let mut shell = Command::new("sh");
        self.run(shell.args(["-ec", script]))
    }

    /// Runs chainkeeper with these words.
    pub(crate) fn ck(&self, words: &str) -> Said {
        let mut program = Command::new(PROGRAM);
        program.args(words.split_whitespace()).env("PATH", self.search_path());
        self.run(&mut program)
    }

    /// The host's own environment: nothing of the machine is locked, remembered or configured.
    fn environment(&self, command: &mut Command) {
        command.env("STATE_DIRECTORY", &self.folder).env("XTABLES_LOCKFILE", self.lock());
        command.env("RUNTIME_DIRECTORY", &self.folder).env("CHAINKEEPER_CONFIG", "none");
        // Wherever the tests run.
        command.env("container", "none");
    }

    /// The xtables lock of this host.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("xtables.lock")
    }

    /// What chainkeeper remembers of this host.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    /// Where `run` answers on this host.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("chainkeeper.sock")
    }

    /// The names of the files in the host's own folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let folder = std::fs::read_dir(&self.folder).expect("the host's folder");
        let name = |file: std::io::Result<std::fs::DirEntry>| file.expect("a file").file_name();
        let mut names: Vec<String> =
            folder.map(|file| name(file).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs a program inside with that input, without a shell around it. Its number, and what it printed;
    /// `None` if it failed.
    pub(crate) fn feed(&self, words: &str, input: &str) -> (u32, Option<String>) {
        let mut words = words.split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        self.environment(&mut command);
        self.inside(|| {
            let mut child = command.spawn().expect("program starts");
            // A program that has failed already reads nothing.
            let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
            let pid = child.id();
            let output = child.wait_with_output().expect("it ends");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            (pid, output.status.success().then_some(text))
        })
    }

    /// Runs chainkeeper and expects this exit code; what it printed to standard output.
    pub(crate) fn ck_ok(&self, words: &str, code: i32) -> String {
        let said = self.ck(words);
        assert_eq!(said.code, code, "chainkeeper {words}\n{}{}", said.stdout, said.stderr);
        said.stdout
    }

    /// Starts `program` inside and leaves it running, with its standard input open.
    pub(crate) fn start(&self, program: &str, words: &str) -> Running {
        self.start_with(program, words, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn start_with(&self, program: &str, words: &str, more: &[(&str, &str)]) -> Running {
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).env("PATH", self.search_path());
        self.environment(&mut command);
        command.envs(more.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        Running::new(self.inside(move || command.spawn().expect("program starts")))
    }

    fn run(&self, command: &mut Command) -> Said {
        self.environment(command);
        self.inside(|| said(command))
    }

    /// netlink of this process, inside.
    fn netlink<T: Send>(&self, work: impl FnOnce(&mut NftBackend) -> T + Send) -> T {
        self.inside(|| work(&mut NftBackend::open(Setup::default()).expect("netlink")))
    }

    /// The generation number of nf_tables, as `nft monitor` would count it.
    pub(crate) fn generation(&self) -> u32 {
        self.netlink(|nft| nft.generation().expect("generation").expect("nft has one"))
    }

    /// So many commits, each of one new chain in IPv6's mangle.
    pub(crate) fn storm(&self, name: &str, count: usize) {
        self.netlink(|nft| {
            for n in 0..count {
                let (table, chain) = (Table::Mangle, format!("{name}-{n}").as_str().into());
                let families = [(Family::Ipv6, vec![Step::CreateChain { table, chain }])].into();
                let applied = nft.apply(&Plan { generation: None, families }).expect("apply");
                assert_eq!(applied.commits, 1);
            }
        });
    }

    /// A path that names its namespace.
    pub(crate) fn path(&self) -> String {
        self.ns.path()
    }

    /// Connects two hosts by a veth pair; both ends are called `name` and are up.
    pub(crate) fn link(&self, other: &Host, name: &str) {
        self.ns.link(&other.ns, name);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("(a host of {})", self.on.name());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The test with each of these, at the same time: most of it is waiting.
pub(crate) fn at_once<T: Send>(all: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        for one in all {
            scope.spawn(move || test(one));
        }
    });
}

/// A file that is gone when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// `name` must be one test's own.
    pub(crate) fn new(name: &str, text: &str) -> Scratch {
        let file = format!("{}-{name}", std::process::id());
        let scratch = Scratch(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file));
        scratch.write(text);
        scratch
    }

    pub(crate) fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(&self.0, text).expect("the target directory can be written");
    }

    /// Its path. Has no blanks unless the checkout has.
    pub(crate) fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The same words in one line, wherever the screen broke them.
pub(crate) fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A save without dates, counters and the policy lines of built-in chains. Tables in the order in which nft's
/// are printed: legacy prints last what was first used.
pub(crate) fn normalised(save: &str) -> String {
    let keep = |l: &&str| !(l.starts_with('#') || l.starts_with(':') && l.contains(" ACCEPT "));
    let text: String = save.lines().filter(keep).map(|l| format!("{l}\n")).collect();
    let mut tables: Vec<&str> = text.split_inclusive("COMMIT\n").collect();
    tables.sort_by_key(|t| {
        ["*mangle\n", "*filter\n", "*nat\n"].iter().position(|n| t.starts_with(n))
    });
    tables.concat()
}

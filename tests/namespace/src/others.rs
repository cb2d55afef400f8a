//! Programs of others, in the namespace of the thread that starts them. Each fails the test if it fails.
use chainkeeper_contract::testing::Outside;
use chainkeeper_contract::{Family, Table};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs a program with that input. Its number.
pub fn feed(words: &str, input: &str) -> u32 {
    fed(&mut command(words), input)
}

/// What a program prints.
pub fn output(words: &str) -> String {
    said(&mut command(words)).good(words)
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; -1 for a signal.
    pub code: i32,
    /// On standard output.
    pub stdout: String,
    /// On standard error.
    pub stderr: String,
}

impl Said {
    /// What it printed. Fails the test if the program failed.
    pub fn good(self, what: &str) -> String {
        let Said { code, stdout, stderr } = self;
        assert_eq!(code, 0, "{what}\n{stdout}{stderr}");
        stdout
    }
}

/// Runs it to its end, with nothing to read.
pub fn said(command: &mut Command) -> Said {
    let done = command.stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = done.status.code().unwrap_or(-1);
    Said { code, stdout: text(done.stdout), stderr: text(done.stderr) }
}

fn command(words: &str) -> Command {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words);
    command
}

fn fed(command: &mut Command, input: &str) -> u32 {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = piped.spawn().expect("it is installed");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    assert!(child.wait().expect("it ends").success(), "{command:?}\n{input}");
    child.id()
}

/// The iptables of both families.
#[derive(Debug)]
pub struct Iptables {
    /// `nft` or `legacy`.
    pub kind: &'static str,
    /// The xtables lock: not the machine's own, and not that of what is tested, for which it must not wait.
    pub lock: PathBuf,
}

impl Iptables {
    fn command(&self, family: Family, end: &str) -> Command {
        let base = match family {
            Family::Ipv4 => "iptables",
            Family::Ipv6 => "ip6tables",
        };
        let mut command = Command::new(format!("{base}-{}{end}", self.kind));
        command.env("XTABLES_LOCKFILE", &self.lock);
        command
    }

    /// Runs it, whatever it says.
    pub fn run(&self, family: Family, words: &str) -> Said {
        said(self.command(family, "").args(words.split_whitespace()))
    }

    /// Runs it.
    pub fn must(&self, family: Family, words: &str) {
        self.run(family, words).good(&format!("{family} {words}"));
    }

    /// The `-A` lines of a chain; none where there is no such chain.
    pub fn rules(&self, family: Family, table: Table, chain: &str) -> Vec<String> {
        let said = self.run(family, &format!("-t {table} -S {chain}"));
        said.stdout.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect()
    }

    /// Makes that change.
    pub fn outside(&self, family: Family, change: &Outside) {
        let (table, chain) = change.place();
        let rules = self.rules(family, table, chain.as_str());
        let must = |words: &str| self.must(family, &format!("-t {table} {words}"));
        match change {
            Outside::Flush(..) => must(&format!("-F {chain}")),
            Outside::DeleteRule(_, _, n) if *n < rules.len() => {
                must(&format!("-D {chain} {}", n + 1));
            }
            Outside::Duplicate(_, _, n) if *n < rules.len() => {
                // A comment has blanks, so no word of a command line.
                let restore = &mut self.command(family, "-restore");
                fed(restore.arg("--noflush"), &format!("*{table}\n{}\nCOMMIT\n", rules[*n]));
            }
            Outside::Foreign(_, _, n) => {
                let at = (*n).min(rules.len()) + 1;
                must(&format!("-I {chain} {at} -p tcp --dport 9 -j ACCEPT"));
            }
            Outside::DeleteChain(..) => must(&format!("-X {chain}")),
            Outside::DeleteRule(..) | Outside::Duplicate(..) => {}
        }
    }
}

//! Programs, each with a lock and a state file that nobody else has.
use anyhow::{Context as _, ensure};
use chainkeeper_contract::text::split;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where programs keep what they must not share.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
    /// strace(1) adds its counts to that file.
    counts: Option<PathBuf>,
}

impl Programs {
    pub(crate) fn new(folder: &Path) -> Programs {
        Programs { folder: folder.to_owned(), counts: None }
    }

    /// The system calls of each program and of those that it starts are counted in that file.
    pub(crate) fn traced(self, counts: &Path) -> Programs {
        Programs { counts: Some(counts.to_owned()), ..self }
    }

    /// The xtables lock of these programs.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// The program with these words, as a shell would split them. Its output is thrown away.
    pub(crate) fn command(
        &self,
        program: impl AsRef<std::ffi::OsStr>,
        words: &str,
    ) -> anyhow::Result<Command> {
        let mut command = match &self.counts {
            Some(file) => {
                let mut strace = Command::new("strace");
                strace.args(["-f", "-c", "-A", "-o"]).arg(file).arg(program);
                strace
            }
            None => Command::new(program),
        };
        command.args(split(words).with_context(|| format!("quotes are not closed: {words}"))?);
        command.env("STATE_DIRECTORY", &self.folder).env("XTABLES_LOCKFILE", self.lock());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// True when it ends with 0.
    pub(crate) fn run(&self, program: &str, words: &str) -> anyhow::Result<bool> {
        succeeds(&mut self.command(program, words)?)
    }

    /// `chainkeeper apply` of that binary, in that backend.
    pub(crate) fn apply(&self, binary: &Path, backend: &str) -> anyhow::Result<()> {
        let done = succeeds(&mut self.command(binary, &format!("apply --backend {backend}"))?)?;
        ensure!(done, "{} apply --backend {backend} failed", binary.display());
        Ok(())
    }

    /// A restore of that text, `ip` or `ip6`, by the tools with that ending.
    pub(crate) fn restore(&self, l3: &str, ending: &str, text: &str) -> anyhow::Result<()> {
        let tool = format!("{l3}tables-{ending}-restore");
        feed(&mut self.command(&tool, "--noflush")?, text)
    }
}

/// The release binary: beside this one.
pub(crate) fn chainkeeper() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("chainkeeper");
    ensure!(path.exists(), "{} is not built: make bench", path.display());
    Ok(path)
}

pub(crate) fn succeeds(command: &mut Command) -> anyhow::Result<bool> {
    let status = command.status().with_context(|| format!("{:?}", command.get_program()))?;
    Ok(status.success())
}

/// With this on its standard input. It has to succeed.
pub(crate) fn feed(command: &mut Command, text: &str) -> anyhow::Result<()> {
    let name = format!("{:?}", command.get_program());
    let mut child = command.stdin(Stdio::piped()).spawn().with_context(|| name.clone())?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    ensure!(child.wait()?.success(), "{name} failed");
    Ok(())
}

/// What it prints.
pub(crate) fn output(program: &str, words: &[&str]) -> anyhow::Result<String> {
    let done = Command::new(program).args(words).output().with_context(|| program.to_owned())?;
    ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

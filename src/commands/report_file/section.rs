//! One section, by work that has a time limit; and tools, which have one, too.
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// The longest that a section takes.
const LIMIT: Duration = Duration::from_secs(15);
/// The longest that a tool takes.
const TOOL: Duration = Duration::from_secs(5);
/// The most that is read of a tool.
const MOST: u64 = 32 << 20;

/// A part of the report.
pub(super) struct Section {
    pub(super) title: &'static str,
    /// What there is, or why it could not be asked.
    pub(super) body: Result<String, String>,
}

/// Does the work on a thread of its own. One that takes too long is left behind; the program ends soon.
pub(super) fn section(
    title: &'static str,
    work: impl FnOnce() -> Result<String, String> + Send + 'static,
) -> Section {
    let (done, answer) = channel();
    // Nobody may wait for it any more.
    spawn(move || drop(done.send(work())));
    let body = answer.recv_timeout(LIMIT).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(format!("not done within {} s", LIMIT.as_secs())),
        RecvTimeoutError::Disconnected => Err("it broke off".into()),
    });
    Section { title, body }
}

/// What a tool prints. Root's tools are found for everybody, and none in the folder that we are in.
pub(super) fn tool(words: &[&str]) -> Result<String, String> {
    let [program, args @ ..] = words else { return Err("no tool".into()) };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let path = std::env::join_paths(folders.chain(["/usr/sbin", "/sbin"].map(Into::into)))
        .map_err(|e| e.to_string())?;
    let mut command = Command::new(program);
    command.args(args).env("PATH", path).env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| format!("{program}: {e}"))?;
    let pipe = child.stdout.take();
    let read = spawn(move || {
        let mut bytes = Vec::new();
        let pipe = pipe.map(|pipe| pipe.take(MOST).read_to_end(&mut bytes));
        pipe.is_some_and(|read| read.is_ok()).then_some(bytes)
    });
    let until = Instant::now() + TOOL;
    while !read.is_finished() && Instant::now() < until {
        sleep(Duration::from_millis(5));
    }
    let late = !read.is_finished();
    if late {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| format!("{program}: {e}"))?;
    // Whoever it has started may hold the pipe for ever: that is not waited for.
    if late {
        return Err(format!("{program}: not done within {} s", TOOL.as_secs()));
    }
    let bytes = read.join().ok().flatten().ok_or(format!("{program}: cannot be read"))?;
    match status.success() {
        true => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        false => Err(format!("{program}: {status}")),
    }
}

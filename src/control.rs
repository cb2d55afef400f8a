//! The local socket of `run`: what is asked, and asking. One JSON object a line in both directions.
pub mod server;

use crate::status::Status;
use crate::story::Event;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where it is, unless told otherwise: where systemd says (RuntimeDirectory=), else in /run.
pub fn default() -> PathBuf {
    let folders = std::env::var_os("RUNTIME_DIRECTORY").unwrap_or_default();
    let first = std::env::split_paths(&folders).find(|f| !f.as_os_str().is_empty());
    first.unwrap_or_else(|| "/run/chainkeeper".into()).join("chainkeeper.sock")
}

/// What a service is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How it is. Answered by one [`Answer::Status`].
    Status {},
    /// What happened. Answered by one [`Answer::Event`] each; the last is followed by the end of the
    /// stream.
    Events {
        /// Not before: milliseconds since 1970.
        since_ms: u64,
        /// Go on with what happens from now on, for ever.
        follow: bool,
    },
    /// Write nothing for so long. Answered by [`Answer::Done`].
    Pause {
        /// Milliseconds.
        for_ms: u64,
    },
    /// Write again. Answered by [`Answer::Done`].
    Resume {},
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Events`].
    Event(Event),
    /// It was done; whether it changed anything.
    Done(bool),
    /// It was not understood.
    Error(String),
}

/// Asks the service at that path; its answers as they come.
pub fn ask(path: &Path, request: &Request) -> io::Result<impl Iterator<Item = io::Result<Answer>>> {
    let mut stream = UnixStream::connect(path)?;
    let endless = matches!(request, Request::Events { follow: true, .. });
    stream.set_read_timeout((!endless).then_some(PATIENCE))?;
    stream.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes())?;
    Ok(BufReader::new(stream).lines().map(|line| Ok(serde_json::from_str(&line?)?)))
}

/// The same, for one answer.
pub fn ask_once(path: &Path, request: &Request) -> io::Result<Answer> {
    ask(path, request)?.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))
}

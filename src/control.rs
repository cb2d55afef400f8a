//! The local socket of `run`: what is asked, and asking. One JSON object a line in both directions.
pub mod server;

use crate::status::Status;
use crate::story::Event;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a service may take to take the question, and to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries where too many wait.
const AGAIN: Duration = Duration::from_millis(10);

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
    let mut stream = within(PATIENCE, path)?;
    let endless = matches!(request, Request::Events { follow: true, .. });
    stream.set_read_timeout((!endless).then_some(PATIENCE))?;
    stream.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes())?;
    Ok(BufReader::new(stream).lines().map(|line| Ok(serde_json::from_str(&line?)?)))
}

/// The same, for one answer.
pub fn ask_once(path: &Path, request: &Request) -> io::Result<Answer> {
    ask(path, request)?.next().unwrap_or_else(|| Err(ErrorKind::UnexpectedEof.into()))
}

/// A connection, once there is room for one more.
fn within(patience: Duration, path: &Path) -> io::Result<UnixStream> {
    let end = Instant::now() + patience;
    loop {
        match connect(path) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => match Instant::now() < end {
                true => sleep(AGAIN),
                false => return Err(io::Error::new(ErrorKind::TimedOut, "too many ask already")),
            },
            done => return done,
        }
    }
}

/// At once: `WouldBlock` where somebody serves, and too many wait for it.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::Backlog;
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc;

    #[test]
    fn who_finds_the_queue_full_waits_for_a_place_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let service = UnixListener::bind(&path).unwrap();
        socket::listen(&service, Backlog::new(0).unwrap()).unwrap();
        let waits = connect(&path).unwrap();
        let (done, result) = mpsc::channel();
        let full = path.clone();
        std::thread::spawn(move || {
            let short = Duration::from_millis(50);
            let kinds = [within(short, &full).map(drop), server::free(&full)];
            done.send(kinds.map(|result| result.unwrap_err().kind())).unwrap();
        });
        let kinds = result.recv_timeout(PATIENCE).expect("it does not wait for ever");
        assert_eq!(kinds, [ErrorKind::TimedOut, ErrorKind::AddrInUse]);
        std::thread::spawn(move || within(PATIENCE, &path).unwrap());
        assert!((0..2).all(|_| service.accept().is_ok()));
        drop(waits);
    }
}

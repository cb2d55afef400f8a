//! Standard error. `run` waits for nobody who reads it: a full pipe or a terminal that stands still must not
//! keep anybody from keeping.
use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, StderrLock, Write as _, stderr};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// A pipe that can be written to takes so much without waiting (PIPE_BUF).
const PIECE: usize = 4096;

pub(super) struct Stream {
    colour: bool,
    way: Way,
    /// The last line ended in its middle.
    cut: AtomicBool,
}

enum Way {
    /// Waits for whoever reads.
    Patient,
    /// Opened anew: not to wait is a flag that the old one shares with other programs.
    Own(File),
    /// What cannot be opened, as a socket, is asked first. A terminal's answer would say little: it
    /// promises a byte.
    Asked,
}

impl Stream {
    pub(super) fn open(patient: bool) -> Stream {
        let colour = AutoStream::choice(&stderr()) != ColorChoice::Never;
        let own = || own().map_or(Way::Asked, Way::Own);
        let way = if patient { Way::Patient } else { own() };
        Stream { colour, way, cut: AtomicBool::new(false) }
    }

    /// False: it was not taken, or not all of it.
    pub(super) fn put(&self, line: &str) -> bool {
        let mut line = if self.colour { line.to_owned() } else { strip_str(line).to_string() };
        // Of two threads the second would write to what the first has just filled.
        let mut to = stderr().lock();
        let was_cut = self.cut.load(Ordering::Relaxed);
        if was_cut {
            line.insert(0, '\n');
        }
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match self.write(&mut to, &rest[..rest.len().min(PIECE)]) {
                Ok(n @ 1..) => rest = &rest[n..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => break,
            }
        }
        let began = rest.len() < line.len();
        self.cut.store(if began { !rest.is_empty() } else { was_cut }, Ordering::Relaxed);
        rest.is_empty()
    }

    fn write(&self, to: &mut StderrLock<'_>, piece: &[u8]) -> io::Result<usize> {
        match &self.way {
            Way::Own(file) => (&*file).write(piece),
            Way::Asked if !takes(to) => Err(ErrorKind::WouldBlock.into()),
            Way::Asked | Way::Patient => to.write(piece),
        }
    }
}

/// The terminal or pipe behind standard error, if it can be opened.
fn own() -> Option<File> {
    const PATH: &str = "/proc/self/fd/2";
    let fifo = || std::fs::metadata(PATH).is_ok_and(|found| found.file_type().is_fifo());
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let open = || File::options().write(true).custom_flags(flags.bits()).open(PATH).ok();
    (stderr().is_terminal() || fifo()).then(open).flatten()
}

/// A [`PIECE`], now. Also where it fails at once: writing it says so.
fn takes(to: &StderrLock<'_>) -> bool {
    let mut fds = [PollFd::new(to.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

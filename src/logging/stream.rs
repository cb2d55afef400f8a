//! Standard error, without waiting for whoever reads it: a full pipe or a terminal that stands still must not
//! keep anybody from keeping.
use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{StderrLock, Write as _, stderr};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// A pipe that can be written to takes so much without waiting (PIPE_BUF).
const PIECE: usize = 4096;

pub(super) struct Stream {
    colour: bool,
    /// The last line ended in its middle.
    cut: AtomicBool,
}

impl Stream {
    pub(super) fn open() -> Stream {
        let colour = AutoStream::choice(&stderr()) != ColorChoice::Never;
        Stream { colour, cut: AtomicBool::new(false) }
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
        let pieces = line.as_bytes().chunks(PIECE);
        let count = pieces.len();
        let taken = pieces.take_while(|piece| takes(&to) && to.write_all(piece).is_ok()).count();
        self.cut.store(if taken == 0 { was_cut } else { taken < count }, Ordering::Relaxed);
        taken == count
    }
}

/// A [`PIECE`], now. Also where it fails at once: writing it says so.
fn takes(to: &StderrLock<'_>) -> bool {
    let mut fds = [PollFd::new(to.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

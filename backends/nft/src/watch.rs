//! Two ways to learn that somebody has committed: to be told, or to ask for the generation.
use crate::errors::asking;
use crate::observe::{self, Trouble, opening};
use crate::read::{self, Body, Messages};
use crate::uapi as u;
use crate::wire::{News, Socket};
use crate::write::Encoder;
use chainkeeper_contract::{BackendError, Errno, Pace, Signal, Watch, Way, Writer};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// How often the generation is asked for, calm or not: one question is a few microseconds.
const ASK: Duration = Duration::from_millis(100);

/// The watch of that way, in the calling thread's network namespace.
pub(crate) fn open(way: Way, encoder: Encoder) -> Result<Box<dyn Watch>, BackendError> {
    match way {
        Way::Told => {
            let news = News::open().map_err(|e| asking("cannot listen to commits", e))?;
            Ok(Box::new(Told { news }))
        }
        Way::Ask => {
            let mut socket = Socket::open(encoder).map_err(opening)?;
            // Asked now: what comes after it was opened is news. What cannot be asked fails at `next`.
            let last = observe::generation(&mut socket).ok();
            Ok(Box::new(Ask { socket, last }))
        }
    }
}

/// The kernel tells: of each commit the generation and who made it.
#[derive(Debug)]
struct Told {
    news: News,
}

impl Watch for Told {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.news.as_fd())
    }

    fn pace(&self) -> Pace {
        Pace { calm: ASK, close: ASK }
    }

    fn next(&mut self) -> Result<Option<Signal>, BackendError> {
        let failed = |errno| asking("cannot hear of commits", errno);
        match self.news.receive() {
            Ok(datagram) => Ok(datagram.map(signal)),
            Err(Errno::NOBUFS) => {
                // First, so that a commit is either before the look that follows, or told.
                self.news.drain().map_err(failed)?;
                Ok(Some(Signal::Lost))
            }
            Err(errno) => Err(failed(errno)),
        }
    }
}

/// The kernel is asked: between two questions there may have been any number of commits, of anybody.
#[derive(Debug)]
struct Ask {
    socket: Socket,
    last: Option<u32>,
}

impl Watch for Ask {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn pace(&self) -> Pace {
        Pace { calm: ASK, close: ASK }
    }

    fn next(&mut self) -> Result<Option<Signal>, BackendError> {
        let now = match observe::generation(&mut self.socket) {
            Ok(generation) => generation,
            Err(Trouble::Interrupted) => return Ok(None),
            Err(Trouble::Failed(error)) => return Err(error),
        };
        let moved = self.last.replace(now).is_some_and(|last| last != now);
        Ok(moved.then_some(Signal::Commit { generation: Some(now), writer: None }))
    }
}

/// What a datagram says. What cannot be read is as good as lost: somebody has to look.
fn signal(datagram: &[u8]) -> Signal {
    let mut messages = Messages::new(datagram);
    let (Some(Ok(message)), None) = (messages.next(), messages.next()) else { return Signal::Lost };
    let Body::Object { kind: u::NFT_MSG_NEWGEN, attrs, .. } = message.body else {
        return Signal::Lost;
    };
    let Ok(commit) = read::commit(attrs) else { return Signal::Lost };
    let writer = commit.writer.map(|(thread, name)| Writer { name, thread });
    Signal::Commit { generation: Some(commit.generation), writer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Linux 6.18 told of `iptables-nft -N A`, the first commit of its namespace. The header and the
    /// attributes' are of a little-endian host.
    const REAL: [u8; 56] = *b"\x38\0\0\0\x0f\x0a\0\0\x02\0\0\0\x4d\x22\0\0\0\0\0\x02\
        \x08\0\x01\0\0\0\0\x02\x08\0\x02\0\0\0\x22\x4d\x11\0\x03\0iptables-nft\0\0\0\0";

    #[test]
    #[cfg(target_endian = "little")]
    fn a_real_one_is_read_and_nothing_but_the_whole_of_it() {
        let writer = Writer { name: "iptables-nft".into(), thread: 0x224d };
        let commit = Signal::Commit { generation: Some(2), writer: Some(writer) };
        assert_eq!(signal(&REAL), commit);
        for end in 0..REAL.len() {
            assert_eq!(signal(&REAL[..end]), Signal::Lost, "{end} bytes");
        }
        assert_eq!(signal(&REAL.repeat(2)), Signal::Lost, "news come one by one");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_bytes_are_lost_news(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(signal(&bytes), Signal::Lost);
        }

        #[test]
        fn flipped_bytes_never_panic(flips in prop::collection::vec((0..REAL.len(), any::<u8>()), 1..8)) {
            let mut bytes = REAL;
            for (at, byte) in flips {
                bytes[at] = byte;
            }
            let _ = signal(&bytes);
        }
    }
}

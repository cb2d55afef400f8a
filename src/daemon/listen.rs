//! News of others' commits in the event loop: told by a descriptor, or asked for at a pace.
use crate::alarm::readable;
use chainkeeper_contract::{BackendError, Signal, Watch};
use std::future::pending;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tracing::warn;

/// Pieces of news that are taken at a time, so that a storm does not keep everything else waiting.
const AT_A_TIME: usize = 64;
/// What failed is tried again after so long.
const AGAIN: Duration = Duration::from_secs(1);
/// News, or our question, waits for a processor, and news for the rest of its commit: the kernel tells of it last.
/// Nearly never longer than this (measured: docs/decisions/0007).
const WAITS: Duration = Duration::from_millis(100);

/// What there is.
#[derive(Debug)]
pub(super) enum Heard {
    /// These.
    News(Vec<Signal>),
    /// The watch has failed, or there is none: it is to be opened anew.
    Deaf,
}

/// Waits for news.
#[derive(Debug)]
pub(super) struct Ear {
    watch: Option<Open>,
    /// When it was asked last, or was last to be opened.
    asked: Instant,
    /// What was said of it.
    said: String,
    /// So often it has failed since it last told something.
    failures: u32,
}

#[derive(Debug)]
struct Open {
    ready: Option<AsyncFd<OwnedFd>>,
    watch: Box<dyn Watch>,
}

impl Ear {
    pub(super) fn new(watch: Result<Box<dyn Watch>, BackendError>) -> Ear {
        let mut ear = Ear { watch: None, asked: Instant::now(), said: String::new(), failures: 0 };
        ear.open(watch);
        ear
    }

    /// Goes on with that watch. Without one, everything is looked at each sync period all the same.
    /// True when there is one.
    pub(super) fn open(&mut self, watch: Result<Box<dyn Watch>, BackendError>) -> bool {
        self.watch = None;
        self.asked = Instant::now();
        let opened = watch.map_err(|e| e.to_string()).and_then(|watch| {
            let own = watch.descriptor().map(|descriptor| descriptor.try_clone_to_owned());
            let ready = own.transpose().and_then(|own| own.map(readable).transpose());
            Ok(Open { ready: ready.map_err(|e| e.to_string())?, watch })
        });
        match opened {
            Ok(open) => self.watch = Some(open),
            Err(why) => {
                self.failures += 1;
                self.complain(format!("no news of what others write: {why}"));
            }
        }
        self.watch.is_some()
    }

    /// Says each thing once.
    fn complain(&mut self, what: String) {
        if self.said != what {
            warn!("{what}");
        }
        self.said = what;
    }

    /// `events`, `asked`, or why there is nothing.
    pub(super) fn way(&self) -> &str {
        match &self.watch {
            Some(Open { ready: Some(_), .. }) => "events",
            Some(Open { ready: None, .. }) => "asked",
            None => &self.said,
        }
    }

    /// There is no watch.
    pub(super) fn is_deaf(&self) -> bool {
        self.watch.is_none()
    }

    /// Waits until something is told. Dropping it loses nothing.
    pub(super) async fn told(&self) {
        let ready = self.watch.as_ref().and_then(|open| open.ready.as_ref());
        let Some(ready) = ready else { return pending().await };
        // What is left unread keeps the descriptor ready.
        if ready.readable().await.is_err() {
            pending().await // the event loop ends
        }
    }

    /// Where nothing is told: when to ask, or to open it anew. `close`: ask often.
    pub(super) fn asks(&self, close: bool) -> Option<Instant> {
        let pause = match &self.watch {
            Some(Open { ready: Some(_), .. }) => return None,
            Some(Open { ready: None, watch }) if close => watch.pace().close,
            Some(Open { ready: None, watch }) => watch.pace().calm,
            None => AGAIN.saturating_mul(1 << self.failures.saturating_sub(1).min(6)),
        };
        self.asked.checked_add(pause)
    }

    /// So long ago may a commit have been made when it is heard of.
    pub(super) fn late(&self) -> Duration {
        match &self.watch {
            Some(Open { ready: None, watch }) => watch.pace().calm + WAITS,
            Some(Open { ready: Some(_), .. }) | None => WAITS,
        }
    }

    /// What is new, some at a time.
    pub(super) fn take(&mut self) -> Heard {
        let Some(Open { watch, ready }) = &mut self.watch else { return Heard::Deaf };
        self.asked = Instant::now();
        let mut news = Vec::new();
        while news.len() < AT_A_TIME {
            match watch.next() {
                Ok(Some(signal)) => news.push(signal),
                Ok(None) => {
                    rest(ready.as_ref());
                    break;
                }
                Err(why) => {
                    self.watch = None;
                    self.failures += 1;
                    self.complain(format!("news of what others write broke off: {why}"));
                    return Heard::Deaf;
                }
            }
        }
        self.said.clear();
        self.failures = 0;
        Heard::News(news)
    }
}

/// Nothing is left to read: wait for more.
fn rest(ready: Option<&AsyncFd<OwnedFd>>) {
    let mut nobody = Context::from_waker(Waker::noop());
    if let Some(ready) = ready
        && let Poll::Ready(Ok(mut guard)) = ready.poll_read_ready(&mut nobody)
    {
        guard.clear_ready();
    }
}

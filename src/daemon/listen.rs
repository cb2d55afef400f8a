//! News of others' commits in the event loop: told by a descriptor, or asked for at a pace.
use chainkeeper_contract::{BackendError, Signal, Watch};
use std::future::pending;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

/// Pieces of news that are taken at a time, so that a storm does not keep everything else waiting.
const AT_A_TIME: usize = 64;
/// What failed is tried again after so long.
const AGAIN: Duration = Duration::from_secs(1);

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
            let ready = watch.descriptor().map(readable).transpose();
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

    /// Waits until there may be news; `close`: ask often. Dropping it loses nothing.
    pub(super) async fn wait(&mut self, close: bool) {
        match &self.watch {
            // What is left unread keeps the descriptor ready.
            Some(Open { ready: Some(ready), .. }) => match ready.readable().await {
                Ok(_) => {}
                Err(_) => pending().await, // the event loop ends
            },
            Some(Open { ready: None, watch }) => {
                let pace = watch.pace();
                sleep_until(self.asked + if close { pace.close } else { pace.calm }).await;
            }
            None => {
                let pause = AGAIN.saturating_mul(1 << self.failures.saturating_sub(1).min(6));
                sleep_until(self.asked + pause).await;
            }
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

/// On a descriptor of our own for the same socket.
#[expect(deprecated, reason = "what takes its place is unsafe; an OwnedFd stays what it is")]
fn readable(descriptor: BorrowedFd<'_>) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor.try_clone_to_owned()?, Interest::READABLE)
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

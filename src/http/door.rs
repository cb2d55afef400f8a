//! The listener: where it is wanted, where it is, and who has come in.
use super::Asked;
use super::talk::talk;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

/// Connections at a time; others wait in the kernel's queue.
const MOST: usize = 32;
/// The first pause after an address could not be taken; each further one is twice as long.
const RETRY: Duration = Duration::from_secs(1);
/// The longest.
const RETRY_MOST: Duration = Duration::from_secs(60);

/// Where questions come in. An address that cannot be had is tried again and again, and keeps nobody from
/// anything: until then it is open where it was before.
#[derive(Debug)]
pub struct Door {
    open: Option<Open>,
    /// An address that could not be taken yet.
    wanted: Option<Wanted>,
    questions: mpsc::Sender<Asked>,
    inbox: mpsc::Receiver<Asked>,
}

#[derive(Debug)]
struct Wanted {
    address: SocketAddr,
    again: Instant,
    pause: Duration,
    /// What was said of it.
    said: String,
}

#[derive(Debug)]
struct Open {
    address: SocketAddr,
    listener: TcpListener,
    /// They end with the listener.
    guests: JoinSet<()>,
    /// Nobody else could be let in, until then.
    rest: Option<Instant>,
}

impl Default for Door {
    fn default() -> Door {
        let (questions, inbox) = mpsc::channel(MOST);
        Door { open: None, wanted: None, questions, inbox }
    }
}

impl Door {
    /// From now on it is wanted there, or nowhere.
    pub fn want(&mut self, address: Option<SocketAddr>) {
        self.wanted = None;
        let Some(address) = address else {
            self.open = None;
            return;
        };
        if self.open.as_ref().is_none_or(|open| open.address != address) {
            self.take(address, RETRY, String::new());
        }
    }

    /// Takes that address; or notes when to try again.
    fn take(&mut self, address: SocketAddr, pause: Duration, said: String) {
        match self.replace(address) {
            Ok(()) => {
                self.wanted = None;
                info!("serving /metrics, /livez and /readyz at http://{address}");
            }
            Err(error) => {
                let why = error.to_string();
                if why != said {
                    let here = match &self.open {
                        Some(open) => format!("until then at http://{}", open.address),
                        None => "until then nowhere".into(),
                    };
                    warn!(
                        "metrics-bind-address {address} cannot be served: {why}; it is tried again, \
                         {here}. Everything else goes on. {}",
                        remedy(&error)
                    );
                }
                let again = Instant::now() + pause;
                let pause = (pause * 2).min(RETRY_MOST);
                self.wanted = Some(Wanted { address, again, pause, said: why });
            }
        }
    }

    /// The new one first, then the old one goes. Where the old one is in the way, it steps aside.
    fn replace(&mut self, address: SocketAddr) -> io::Result<()> {
        let same = |open: &mut Open| open.address.port() == address.port();
        match Open::at(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let Some(old) = self.open.take_if(same).map(|open| open.address) else {
                    return Err(error);
                };
                let new = Open::at(address);
                if new.is_err() {
                    self.open = Open::at(old).ok();
                }
                self.open = Some(new?);
            }
            new => self.open = Some(new?),
        }
        Ok(())
    }

    /// Lets in who comes, and tries again what is to be tried; the next question. Dropping it loses
    /// nothing.
    pub async fn asked(&mut self) -> Asked {
        loop {
            let again = self.wanted.as_ref().map(|wanted| wanted.again);
            tokio::select! {
                Some(asked) = self.inbox.recv() => return asked,
                () = guests(&mut self.open, &self.questions) => {}
                () = until(again) => {
                    if let Some(Wanted { address, pause, said, .. }) = self.wanted.take() {
                        self.take(address, pause, said);
                    }
                }
            }
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::AddrInUse {
        "Another program has that port: `ss -ltnp` names it; or choose another"
    } else if error.kind() == io::ErrorKind::AddrNotAvailable {
        "No interface has that address: `ip address` lists them; or choose another"
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "Ports below 1024 need CAP_NET_BIND_SERVICE; or choose a higher one"
    } else {
        "Choose another address, or `none`"
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

async fn guests(open: &mut Option<Open>, questions: &mpsc::Sender<Asked>) {
    match open {
        Some(open) => open.guests(questions).await,
        None => pending().await,
    }
}

impl Open {
    fn at(address: SocketAddr) -> io::Result<Open> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Open { address, listener, guests: JoinSet::new(), rest: None })
    }

    /// Lets one in, or sees one off.
    async fn guests(&mut self, questions: &mpsc::Sender<Asked>) {
        let may = self.guests.len() < MOST;
        tokio::select! {
            biased;
            Some(_) = self.guests.join_next() => {}
            came = self.listener.accept(), if may && self.rest.is_none() => match came {
                Ok((stream, _)) => drop(self.guests.spawn(talk(stream, questions.clone()))),
                // Out of descriptors: those that are in use end.
                Err(why) => {
                    warn!("who asks at http://{} has to wait: {why}", self.address);
                    self.rest = Some(Instant::now() + Duration::from_millis(100));
                }
            },
            () = until(self.rest), if self.rest.is_some() => self.rest = None,
        }
    }
}

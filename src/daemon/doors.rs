//! Where questions come in: the local socket, and HTTP. Both follow the configuration.
use crate::config::Config;
use crate::control::server::{Asked, Server};
use crate::http::Door;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tracing::{info, warn};

/// Both. Keeping goes on without them.
#[derive(Default)]
pub(super) struct Doors {
    pub(super) local: Local,
    pub(super) http: Door,
}

impl Doors {
    /// As configured, from now on. What cannot be opened leaves open what was.
    pub(super) fn follow(&mut self, config: &Config) {
        self.local.want(config.socket.as_deref());
        self.http.want(config.metrics);
    }

    /// Looks after them, now and then.
    pub(super) fn mend(&mut self) {
        self.local.mend();
    }
}

/// The local socket.
#[derive(Default)]
pub(super) struct Local {
    open: Option<Socket>,
    /// What was said of one that could not be had again.
    said: String,
}

struct Socket {
    path: PathBuf,
    server: Server,
    questions: mpsc::Receiver<Asked>,
}

impl Socket {
    fn at(path: &Path) -> io::Result<Socket> {
        let (server, questions) = Server::start(path)?;
        Ok(Socket { path: path.to_owned(), server, questions })
    }
}

impl Local {
    /// The new one first, then the old one goes.
    fn want(&mut self, path: Option<&Path>) {
        let Some(path) = path else {
            self.open = None;
            return;
        };
        if self.open.as_ref().is_some_and(|socket| socket.path == path) {
            return self.mend();
        }
        let shown = path.display();
        match Socket::at(path) {
            Ok(new) => {
                if let Some(old) = self.open.replace(new) {
                    info!("socket {shown} answers now, in the place of {}", old.path.display());
                }
            }
            Err(why) => match &self.open {
                None => {
                    warn!("no answers to `status`, `events` and `pause`: socket {shown}: {why}");
                }
                Some(old) => {
                    let old = old.path.display();
                    warn!(
                        "socket {shown}: {why}; {old} goes on answering until a reload that works"
                    );
                }
            },
        }
    }

    /// One whose file somebody took away comes back; what is there in its place stays.
    fn mend(&mut self) {
        let Some(lost) = self.open.as_ref().filter(|socket| socket.server.is_lost()) else {
            return;
        };
        let shown = lost.path.display();
        match Socket::at(&lost.path) {
            Ok(new) => {
                info!("socket {shown} was gone; it answers again");
                self.open = Some(new);
                self.said.clear();
            }
            Err(why) => {
                let why = why.to_string();
                if why != self.said {
                    warn!("socket {shown} is gone, and cannot be had again: {why}");
                }
                self.said = why;
            }
        }
    }

    /// The next question. Dropping it loses nothing.
    pub(super) async fn asked(&mut self) -> Asked {
        if let Some(socket) = &mut self.open
            && let Some(asked) = socket.questions.recv().await
        {
            return asked;
        }
        pending().await
    }
}

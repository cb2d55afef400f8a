//! Where questions come in: the local socket, and HTTP. Both follow the configuration.
use crate::config::Config;
use crate::control::server::{Asked, Server};
use crate::http::Door;
use std::future::pending;
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
}

/// The local socket.
#[derive(Default)]
pub(super) struct Local(Option<Socket>);

struct Socket {
    path: PathBuf,
    _server: Server,
    questions: mpsc::Receiver<Asked>,
}

impl Local {
    /// The new one first, then the old one goes.
    fn want(&mut self, path: Option<&Path>) {
        let Some(path) = path else {
            self.0 = None;
            return;
        };
        if self.0.as_ref().is_some_and(|socket| socket.path == path) {
            return;
        }
        let shown = path.display();
        match Server::start(path) {
            Ok((server, questions)) => {
                if let Some(old) = &self.0 {
                    info!("socket {shown} answers now, in the place of {}", old.path.display());
                }
                self.0 = Some(Socket { path: path.to_owned(), _server: server, questions });
            }
            Err(why) => match &self.0 {
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

    /// The next question. Dropping it loses nothing.
    pub(super) async fn asked(&mut self) -> Asked {
        if let Some(socket) = &mut self.0
            && let Some(asked) = socket.questions.recv().await
        {
            return asked;
        }
        pending().await
    }
}

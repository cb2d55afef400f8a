//! `run`: signals, news, time and questions around the worker and the monitor. Decides nothing.
mod end;
mod journal;
mod listen;
mod service;
mod state;
mod tell;
mod work;

use crate::config::Config;
use crate::control::server::{Asked, Server};
use crate::logging;
use crate::monitor::Sighting;
use crate::switch::Switch;
use service::Service;
use std::future::pending;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By SIGTERM or SIGINT.
    Asked,
    /// `--on-exit remove` could not remove everything.
    RemoveFailed,
    /// Others use the other backend now, and `--on-backend-change exit` was given.
    BackendChanged,
}

/// Keeps until told to stop. `reload` reads the configuration anew for SIGHUP.
pub async fn run(
    config: Config,
    switch: Switch,
    reload: impl Fn() -> Result<Config, String>,
) -> anyhow::Result<Ended> {
    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup: Signal = signal(SignalKind::hangup())?;
    info!("chainkeeper {}: {}", env!("CARGO_PKG_VERSION"), switch.choice());
    switch.choice().warnings.iter().for_each(|w| warn!("{w}"));
    service::warn_dialect(&config);
    let (_server, mut questions) = serve(&config);
    let (flows, mut counted) = mpsc::channel(1);
    let mut service = Service::start(config, switch, flows)?;
    service.see(Sighting::Time);
    loop {
        let (wake, close) = (service.wake(), service.is_close());
        tokio::select! {
            // In this order, so that no storm of news or questions keeps the rest waiting.
            biased;
            _ = stop.recv() => break,
            _ = interrupt.recv() => break,
            done = service.work.answer() => {
                if let Some(ended) = service.answered(done).await? {
                    return Ok(ended);
                }
            }
            // What the worker does was asked for by the configuration so far.
            _ = hangup.recv(), if !service.work.is_busy() => match reload() {
                Ok(new) => service.reconfigure(new).await,
                Err(why) => error!("keeping the last good configuration: {why}"),
            },
            asked = question(&mut questions) => service.asked(asked),
            () = service.ear.wait(close) => service.listen().await,
            Some(flows) = counted.recv() => service.counted(flows),
            () = until(wake) => service.see(Sighting::Time),
            () = until(logging::wake().map(Instant::from_std)) => logging::say_due(),
        }
    }
    service.end().await
}

/// Waits for ever where there is nothing to wait for.
async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

async fn question(questions: &mut Option<mpsc::Receiver<Asked>>) -> Asked {
    if let Some(inbox) = questions
        && let Some(asked) = inbox.recv().await
    {
        return asked;
    }
    pending().await
}

/// Keeping goes on without a socket.
fn serve(config: &Config) -> (Option<Server>, Option<mpsc::Receiver<Asked>>) {
    let Some(path) = &config.socket else { return (None, None) };
    match Server::start(path) {
        Ok((server, questions)) => (Some(server), Some(questions)),
        Err(why) => {
            let path = path.display();
            warn!("no answers to `status`, `events` and `pause`: socket {path}: {why}");
            (None, None)
        }
    }
}

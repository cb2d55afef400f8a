//! `run`: signals, news, time and questions around the worker and the monitor. Decides nothing.
mod doors;
mod end;
mod journal;
mod listen;
mod pages;
mod service;
mod state;
mod tell;
mod work;

use crate::config::Config;
use crate::monitor::Sighting;
use crate::switch::Switch;
use doors::Doors;
use service::Service;
use std::future::pending;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

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
    let mut doors = Doors::default();
    doors.follow(&config);
    let (flows, mut counted) = mpsc::channel(1);
    let mut service = Service::start(config, switch, flows)?;
    service.see(Sighting::Time);
    loop {
        service.tell_manager();
        let (wake, close, again) = (service.wake(), service.is_close(), service.manager.again());
        tokio::select! {
            // In this order, so that no storm of news or questions keeps the rest waiting.
            biased;
            _ = stop.recv() => break,
            _ = interrupt.recv() => break,
            done = service.work.answer() => {
                if let Some(ended) = service.answered(done).await? {
                    service.manager.stopping();
                    return Ok(ended);
                }
            }
            // What the worker does was asked for by the configuration so far.
            _ = hangup.recv(), if !service.is_busy() => {
                service.reload(reload()).await;
                doors.follow(&service.config);
            }
            asked = doors.local.asked() => service.asked(asked),
            () = service.ear.wait(close) => service.listen().await,
            Some(flows) = counted.recv() => service.counted(flows),
            () = until(wake) => service.see(Sighting::Time),
            () = until(again) => {} // the manager is told at the top
            // Last: whoever asks over the network keeps nobody waiting.
            () = service.pages.due() => service.counts_are_due(),
            asked = doors.http.asked() => service.page(asked),
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

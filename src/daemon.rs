//! `run`: signals, news, time and questions around the worker and the monitor. Decides nothing.
mod doors;
mod end;
mod hear;
mod journal;
mod listen;
mod pages;
mod reload;
mod service;
mod state;
mod tell;
mod work;

use crate::alarm::Alarm;
use crate::config::Config;
use crate::monitor::Sighting;
use crate::switch::Switch;
use doors::Doors;
use service::Service;
use std::pin::pin;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As it was asked to.
    Asked,
    /// `--on-exit remove` could not remove everything.
    RemoveFailed,
    /// Others use the other backend now, and `--on-backend-change exit` was given.
    BackendChanged,
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The system gave no thread, signal or timer.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// It has panicked: that is a bug.
    #[error("the worker thread is gone; nothing is kept any more")]
    WorkerGone,
}

/// Keeps until SIGTERM or SIGINT. `read` reads the configuration anew, at SIGHUP.
pub async fn run(
    config: Config,
    switch: Switch,
    read: impl Fn() -> Result<Config, String>,
) -> Result<Ended, RunError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let reload = async || {
        hangup.recv().await;
        read()
    };
    keep(config, switch, stop, reload).await
}

/// Keeps until `stop` is ready. `reload` waits for another configuration; one that it could not read changes
/// nothing. It is dropped and asked again at any moment, so it must lose nothing by that.
pub async fn keep(
    config: Config,
    switch: Switch,
    stop: impl Future<Output = ()>,
    mut reload: impl AsyncFnMut() -> Result<Config, String>,
) -> Result<Ended, RunError> {
    let mut stop = pin!(stop);
    info!("chainkeeper {}: {}", env!("CARGO_PKG_VERSION"), switch.choice());
    switch.choice().warnings.iter().for_each(|w| warn!("{w}"));
    reload::warn_dialect(&config);
    reload::warn_container(&config);
    let mut doors = Doors::default();
    doors.follow(&config);
    let (flows, mut counted) = mpsc::channel(1);
    let mut alarm = Alarm::new()?;
    let mut service = Service::start(config, switch, flows)?;
    service.see(Sighting::Time);
    loop {
        service.tell_manager();
        let next = service.next();
        tokio::select! {
            // In this order, so that no storm of news or questions keeps the rest waiting.
            biased;
            () = &mut stop => break,
            done = service.work.answer() => {
                if let Some(ended) = service.answered(done).await? {
                    service.manager.stopping();
                    return Ok(ended);
                }
            }
            // What the worker does was asked for by the configuration so far.
            new = reload(), if !service.is_busy() => {
                service.reload(new).await;
                doors.follow(&service.config);
            }
            asked = doors.local.asked() => service.asked(asked),
            () = service.ear.told() => service.listen().await,
            Some(flows) = counted.recv() => service.counted(flows),
            rang = alarm.until(next) => {
                rang?;
                service.rang().await;
                doors.mend();
            }
            // Last: whoever asks over the network keeps nobody waiting.
            () = service.pages.due() => service.counts_are_due(),
            asked = doors.http.asked() => service.page(asked),
        }
    }
    Ok(service.end().await)
}

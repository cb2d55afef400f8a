//! `run`: signals and a timer around the worker. Decides when, never what.
use crate::advice;
use crate::backends;
use crate::config::{Config, OnExit};
use crate::host;
use crate::reconcile::{Keeper, Pass};
use crate::report;
use crate::worker::{Order, Worker};
use anyhow::Context as _;
use chainkeeper_contract::{Backend, BackendError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{error, info, warn};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By SIGTERM or SIGINT.
    Asked,
    /// `--on-exit remove` could not remove everything.
    RemoveFailed,
}

/// Keeps until told to stop. `reload` reads the configuration anew for SIGHUP.
pub async fn run(
    config: Config,
    keeper: Keeper,
    reload: impl Fn() -> Result<(Config, Box<dyn Backend>), String>,
) -> anyhow::Result<Ended> {
    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup: Signal = signal(SignalKind::hangup())?;
    info!("chainkeeper {}: {}", env!("CARGO_PKG_VERSION"), backends::why(config.backend));
    warn_dialect(&config);
    let worker = Worker::start(keeper)?;
    let mut journal = Journal::default();
    let mut config = config;
    let mut timer = every(&config);
    loop {
        tokio::select! {
            _ = timer.tick() => {
                let pass = worker.ask(Order::Sync).await;
                journal.pass(pass.context("the worker thread is gone; nothing is kept any more")?);
            }
            _ = hangup.recv() => {
                match reload() {
                    Ok((new, backend)) => {
                        worker.tell(Order::Reconfigure(Box::new(new.clone()), backend));
                        config = new;
                        info!("configuration reloaded");
                        warn_dialect(&config);
                    }
                    Err(why) => error!("keeping the last good configuration: {why}"),
                }
                timer = every(&config); // the first tick is at once
            }
            _ = stop.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    match config.on_exit {
        OnExit::Keep => {
            info!("stopped; the chains stay in place");
            Ok(Ended::Asked)
        }
        OnExit::Remove => Ok(removed(worker.ask(Order::Remove).await)),
    }
}

fn warn_dialect(config: &Config) {
    if let Some(screen) = advice::dialect(config.dialect) {
        warn!("{}", screen.trim_start_matches("warning: "));
    }
}

fn every(config: &Config) -> Interval {
    let mut timer = interval(config.sync_period);
    // After a suspend one look is enough.
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}

fn removed(answer: Option<Result<Pass, BackendError>>) -> Ended {
    match answer {
        Some(Ok(pass)) if pass.look.families.keys().all(|f| pass.error(*f).is_none()) => {
            for line in report::removal(&pass).lines() {
                info!("{line}");
            }
            let deltas = || pass.look.families.values().flatten();
            if deltas().any(|d| !d.problems.is_empty()) {
                error!("stopped; some of what we made could not be removed, see above");
                return Ended::RemoveFailed;
            }
            match deltas().all(|d| d.notes.is_empty()) {
                true => info!("stopped; what we made is gone"),
                false => info!("stopped; what we made is gone, but for what is kept, see above"),
            }
            Ended::Asked
        }
        Some(Ok(pass)) => {
            for error in pass.look.families.keys().filter_map(|f| pass.error(*f)) {
                error!("{}", advice::screen(error, host::privileges()));
            }
            Ended::RemoveFailed
        }
        Some(Err(error)) => {
            error!("{}", advice::screen(&error, host::privileges()));
            Ended::RemoveFailed
        }
        None => {
            error!("the worker thread is gone; nothing was removed");
            Ended::RemoveFailed
        }
    }
}

/// Says each thing once: a quiet service has a short journal.
#[derive(Default)]
struct Journal {
    last_state: String,
    last_error: String,
}

impl Journal {
    fn pass(&mut self, pass: Result<Pass, BackendError>) {
        let errors = match &pass {
            Ok(pass) => pass.look.families.keys().filter_map(|f| pass.error(*f)).cloned().collect(),
            Err(error) => vec![error.clone()],
        };
        let errors: Vec<String> =
            errors.iter().map(|e: &BackendError| advice::screen(e, host::privileges())).collect();
        let errors = errors.join("\n");
        if errors != self.last_error {
            if errors.is_empty() {
                info!("well again");
            } else {
                error!("{errors}");
            }
            self.last_error = errors;
        }
        let Ok(pass) = pass else { return };
        for line in report::applied(&pass).lines().filter(|_| pass.applied.is_some()) {
            info!("{line}");
        }
        let state = report::state(&pass.look);
        if state != self.last_state {
            for line in state.lines() {
                if pass.look.families.values().flatten().any(|d| !d.problems.is_empty()) {
                    warn!("{line}");
                } else {
                    info!("{line}");
                }
            }
            self.last_state = state;
        }
    }
}

//! `run`: signals and a timer around the worker. Decides when, never what.
use crate::advice;
use crate::config::{Config, OnExit};
use crate::host;
use crate::reconcile::Pass;
use crate::report;
use crate::switch::{Done, Switch, Synced};
use crate::worker::{Order, Worker};
use anyhow::Context as _;
use chainkeeper_contract::BackendError;
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
    warn_dialect(&config);
    let worker = Worker::start(switch)?;
    let mut journal = Journal::default();
    let mut config = config;
    let mut timer = every(&config);
    loop {
        tokio::select! {
            _ = timer.tick() => {
                let synced = worker.ask(Order::Sync).await;
                let Synced { kept, said, leave } =
                    synced.context("the worker thread is gone; nothing is kept any more")?;
                journal.synced(kept, &said);
                if leave {
                    return Ok(Ended::BackendChanged);
                }
            }
            _ = hangup.recv() => {
                match reconfigured(&worker, reload()).await {
                    Ok(new) => {
                        config = new;
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

async fn reconfigured(worker: &Worker, new: Result<Config, String>) -> Result<Config, String> {
    let new = new?;
    let order = |reply| Order::Reconfigure(Box::new(new.clone()), reply);
    let backend = worker.ask(order).await.ok_or("the worker thread is gone")?;
    let choice = backend.map_err(|e| e.to_string())?;
    info!("configuration reloaded: {choice}");
    choice.warnings.iter().for_each(|w| warn!("{w}"));
    Ok(new)
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

fn removed(answer: Option<Result<Done, BackendError>>) -> Ended {
    match answer {
        Some(Ok(done)) => {
            done.other_errors().for_each(|e| error!("{}", advice::screen(e, host::privileges())));
            let here = removed_from(&done.pass);
            let there =
                done.other_errors().next().is_none() && done.swept().is_none_or(removed_from);
            match here && there {
                true => Ended::Asked,
                false => Ended::RemoveFailed,
            }
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

fn removed_from(pass: &Pass) -> bool {
    for error in pass.errors() {
        error!("{}", advice::screen(error, host::privileges()));
    }
    if !pass.is_well() {
        return false;
    }
    for line in report::removal(pass).lines() {
        info!("{line}");
    }
    if pass.look.has_problems() {
        error!("stopped; some of what we made could not be removed, see above");
        return false;
    }
    match pass.look.families.values().flatten().all(|d| d.notes.is_empty()) {
        true => info!("stopped; what we made is gone"),
        false => info!("stopped; what we made is gone, but for what is kept, see above"),
    }
    true
}

/// Says each thing once: a quiet service has a short journal.
#[derive(Default)]
struct Journal {
    last_state: String,
    last_error: String,
    /// Of the other backend.
    last_other: String,
}

impl Journal {
    /// Says what there is to say of a pass.
    fn synced(&mut self, kept: Result<Done, BackendError>, said: &[String]) {
        said.iter().for_each(|line| warn!("{line}"));
        match &kept {
            Ok(done) => {
                // As it was done: written here, then taken out there.
                self.pass(Ok(&done.pass));
                self.other_errors(done);
                if let Some(swept) = done.swept().filter(|pass| pass.applied.is_some()) {
                    info!("in the other backend:");
                    report::removal(swept).lines().for_each(|line| info!("{line}"));
                }
            }
            Err(error) => self.pass(Err(error)),
        }
    }

    fn other_errors(&mut self, done: &Done) {
        let screens = done.other_errors().map(|e| advice::screen(e, host::privileges()));
        let errors = screens.collect::<Vec<_>>().join("\n");
        if errors != self.last_other && !errors.is_empty() {
            error!("chains of ours are left in the other backend\n{errors}");
        }
        self.last_other = errors;
    }

    fn pass(&mut self, pass: Result<&Pass, &BackendError>) {
        let errors = match pass {
            Ok(pass) => pass.errors().cloned().collect(),
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
        let wrote = pass.applied.as_ref().is_some_and(|a| a.commits > 0);
        for line in report::applied(pass).lines().filter(|_| wrote) {
            info!("{line}");
        }
        let state = report::state(&pass.look);
        if state != self.last_state {
            for line in state.lines() {
                if pass.look.has_problems() {
                    warn!("{line}");
                } else {
                    info!("{line}");
                }
            }
            self.last_state = state;
        }
    }
}

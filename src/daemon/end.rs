//! The end of a run, which may take its chains with it.
use super::Ended;
use super::service::Service;
use crate::advice;
use crate::config::OnExit;
use crate::host;
use crate::reconcile::Pass;
use crate::report;
use crate::switch::Passes;
use crate::worker::Order;
use chainkeeper_contract::BackendError;
use tracing::{error, info};

impl Service {
    /// What is left to do when it ends.
    pub(super) async fn end(mut self) -> Ended {
        self.manager.stopping();
        match self.config.on_exit {
            _ if self.config.monitor.keep.is_nothing() => {
                info!("stopped; nothing was written");
                Ended::Asked
            }
            OnExit::Keep => {
                info!("stopped; the chains stay in place");
                Ended::Asked
            }
            OnExit::Remove => removed(self.work.worker.ask(Order::Remove).await),
        }
    }
}

/// Says what was removed, and what could not be.
fn removed(answer: Option<Result<Passes, BackendError>>) -> Ended {
    match answer {
        Some(Ok(done)) => {
            done.other_errors().for_each(|e| error!("{}", advice::screen(e, host::place())));
            let here = removed_from(&done.pass);
            let there =
                done.other_errors().next().is_none() && done.swept().is_none_or(removed_from);
            match here && there {
                true => Ended::Asked,
                false => Ended::RemoveFailed,
            }
        }
        Some(Err(error)) => {
            error!("{}", advice::screen(&error, host::place()));
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
        error!("{}", advice::screen(error, host::place()));
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

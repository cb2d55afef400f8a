//! What the worker does at the moment. One thing at a time.
use crate::monitor::Findings;
use crate::reconcile::Look;
use crate::switch::{Synced, Task};
use crate::worker::{Order, Worker};
use chainkeeper_contract::BackendError;
use std::future::pending;
use tokio::sync::oneshot;

/// What was done.
pub(super) enum Done {
    Glanced(Result<Look, BackendError>, Box<Findings>),
    Synced(Box<Synced>),
}

enum Doing {
    Glance(oneshot::Receiver<(Result<Look, BackendError>, Findings)>),
    Sync(oneshot::Receiver<Synced>),
}

/// The worker, and what it was asked to do.
pub(super) struct Work {
    pub(super) worker: Worker,
    doing: Option<Doing>,
}

impl Work {
    pub(super) fn of(worker: Worker) -> Work {
        Work { worker, doing: None }
    }

    /// Something is being done.
    pub(super) fn is_busy(&self) -> bool {
        self.doing.is_some()
    }

    pub(super) fn glance(&mut self) {
        let (reply, answer) = oneshot::channel();
        self.worker.order(Order::Glance(reply));
        self.doing = Some(Doing::Glance(answer));
    }

    pub(super) fn sync(&mut self, task: Task) {
        let (reply, answer) = oneshot::channel();
        self.worker.order(Order::Sync(task, reply));
        self.doing = Some(Doing::Sync(answer));
    }

    /// Waits for what is being done. `None` when the thread is gone. Dropping it loses nothing.
    pub(super) async fn answer(&mut self) -> Option<Done> {
        let done = match &mut self.doing {
            None => return pending().await,
            Some(Doing::Glance(answer)) => {
                answer.await.ok().map(|(look, found)| Done::Glanced(look, Box::new(found)))
            }
            Some(Doing::Sync(answer)) => answer.await.ok().map(|s| Done::Synced(Box::new(s))),
        };
        self.doing = None;
        done
    }
}

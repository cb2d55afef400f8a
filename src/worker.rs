//! The one thread that owns the backend: blocking, fed by a channel, answers by a callback.
use crate::config::Config;
use crate::reconcile::{Keeper, Pass};
use chainkeeper_contract::{Backend, BackendError};
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What the worker is asked to do.
pub enum Order {
    /// Look, and bring everything in place.
    Sync(oneshot::Sender<Result<Pass, BackendError>>),
    /// From now on keep this, with this backend.
    Reconfigure(Box<Config>, Box<dyn Backend>),
    /// Take out what we made.
    Remove(oneshot::Sender<Result<Pass, BackendError>>),
}

/// A handle on the thread. Dropping it ends the thread after what it is doing.
pub struct Worker {
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, in the network namespace of the caller.
    pub fn start(keeper: Keeper) -> std::io::Result<Worker> {
        let (orders, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || work(keeper, &inbox))?;
        Ok(Worker { orders: Some(orders), thread: Some(thread) })
    }

    /// Asks, and waits for the answer. `None` when the thread is gone.
    pub async fn ask(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<Pass, BackendError>>) -> Order,
    ) -> Option<Result<Pass, BackendError>> {
        let (reply, answer) = oneshot::channel();
        self.tell(order(reply))?;
        answer.await.ok()
    }

    /// Tells without waiting.
    pub fn tell(&self, order: Order) -> Option<()> {
        self.orders.as_ref()?.send(order).ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(mut keeper: Keeper, inbox: &mpsc::Receiver<Order>) {
    while let Ok(order) = inbox.recv() {
        match order {
            Order::Sync(reply) => {
                let _ = reply.send(keeper.keep());
            }
            Order::Reconfigure(config, backend) => keeper.reconfigure(*config, backend),
            Order::Remove(reply) => {
                let _ = reply.send(keeper.remove(false));
            }
        }
    }
}

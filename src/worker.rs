//! The one thread that owns the backend: blocking, fed by a channel, answers by a callback.
use crate::backends::Stop;
use crate::config::Config;
use crate::monitor::Answer;
use crate::probe::Choice;
use crate::reconcile::{Counted, Look};
use crate::switch::{Done, Switch, Synced, Task};
use chainkeeper_contract::{BackendError, Watch};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The way back of an answer.
pub type Reply<T> = oneshot::Sender<T>;

/// What the worker is asked to do.
pub enum Order {
    /// A pass.
    Sync(Task, Reply<Synced>),
    /// Look at the chains alone.
    Glance(Reply<(Result<Look, BackendError>, Answer)>),
    /// Read what our rules have counted. Changes nothing, also nothing that the monitor goes by, so anybody
    /// may ask, beside what else is asked; it waits for its turn.
    Count(Reply<Result<Vec<Counted>, BackendError>>),
    /// Open a watch. It is for the namespace that the worker was started in.
    Watch(Reply<Result<Box<dyn Watch>, BackendError>>),
    /// From now on keep this, in the backend of the answer; after an error, what was kept before.
    Reconfigure(Box<Config>, Reply<Result<Choice, BackendError>>),
    /// Take out what we made, here and in the other backend.
    Remove(Reply<Result<Done, BackendError>>),
}

/// A handle on the thread. Dropping it ends the thread after what it is doing; it waits for nobody any more.
pub struct Worker {
    stop: Stop,
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, in the network namespace of the caller.
    pub fn start(switch: Switch) -> std::io::Result<Worker> {
        let (orders, inbox) = mpsc::channel();
        let stop = switch.stop();
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || work(switch, &inbox))?;
        Ok(Worker { stop, orders: Some(orders), thread: Some(thread) })
    }

    /// Asks, and waits for the answer. `None` when the thread is gone.
    pub async fn ask<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.order(order(reply));
        answer.await.ok()
    }

    /// Asks. When the thread is gone, the way back is closed.
    pub fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            drop(orders.send(order));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Nobody waits for an answer any more when the program ends: that is no error.
fn work(mut switch: Switch, inbox: &mpsc::Receiver<Order>) {
    while let Ok(order) = inbox.recv() {
        match order {
            Order::Sync(task, reply) => drop(reply.send(switch.sync(&task))),
            Order::Glance(reply) => drop(reply.send(switch.glance())),
            Order::Count(reply) => drop(reply.send(switch.count())),
            Order::Watch(reply) => drop(reply.send(switch.watch())),
            Order::Reconfigure(config, reply) => {
                let done = switch.reconfigure(&config);
                drop(reply.send(done.map(|()| switch.choice().clone())));
            }
            Order::Remove(reply) => drop(reply.send(switch.remove(false))),
        }
    }
}

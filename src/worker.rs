//! The one thread that owns the backend: blocking, fed by a channel, answers by the channel that comes with the question.
use crate::backends::Stop;
use crate::config::{BackendChoice, Config};
use crate::monitor::Findings;
use crate::probe::Choice;
use crate::reconcile::{Counted, Look};
use crate::switch::{Passes, Switch, Synced, Task};
use chainkeeper_contract::{BackendError, Watch};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The way back of an answer.
pub type Reply<T> = oneshot::Sender<T>;

/// What the worker is asked to do.
pub enum Order {
    /// A pass.
    Sync(Task, Reply<Synced>),
    /// Look at the chains alone.
    Glance(Reply<(Result<Look, BackendError>, Findings)>),
    /// Read what our rules have counted. Changes nothing, also nothing that the monitor goes by, so anybody
    /// may ask, beside what else is asked; it waits for its turn.
    Count(Reply<Result<Vec<Counted>, BackendError>>),
    /// Open a watch. It is for the namespace that the worker was started in.
    Watch(Reply<Result<Box<dyn Watch>, BackendError>>),
    /// From now on keep this, in the backend of the answer; after an error, what was kept before.
    Reconfigure(Box<Config>, Reply<Result<Choice, BackendError>>),
    /// Take out what we made, here and in the other backend.
    Remove(Reply<Result<Passes, BackendError>>),
}

/// A handle on the thread. Dropping it ends the thread after what it is doing; it waits for nobody any more.
pub struct Worker {
    stop: Stop,
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    busy: Busy,
}

/// Steps of one order that may each come to their limit ([`chainkeeper_legacy::LIMIT`]): six of a pass
/// whose tools end badly, one after the other (look, restore, look what came of it, the same of a lost
/// hint; the evidence takes the place of what was not reached), two for the choice between backends. Tools
/// that end well need a small part of their limit each, however many there are.
const STEPS: u32 = 8;
/// Times that one order waits for the xtables lock: here, for a lost hint, there, to clear up.
const LOCKS: u32 = 4;

/// The longest that an order takes; one that takes longer will not end by itself. With nf_tables alone no
/// tool is started and no lock is waited for: then it is one limit, for a kernel that is kept busy by others.
pub fn longest(config: &Config) -> Duration {
    match config.backend {
        BackendChoice::Nft => chainkeeper_legacy::LIMIT,
        BackendChoice::Auto | BackendChoice::Legacy => {
            let locks = config.lock_wait.saturating_mul(LOCKS);
            (chainkeeper_legacy::LIMIT * STEPS).saturating_add(locks)
        }
    }
}

/// How long the thread has been on its present order, and how long that may take. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Busy(Arc<Mutex<Present>>);

#[derive(Debug)]
struct Present {
    /// When the first of the orders that are not done was given, or the one before it was done.
    since: Option<Instant>,
    undone: usize,
    most: Duration,
}

impl Busy {
    fn new(config: &Config) -> Busy {
        Busy(Arc::new(Mutex::new(Present { since: None, undone: 0, most: longest(config) })))
    }

    /// How long the thread has been on its order, if it has one; and the longest that one takes.
    pub fn now(&self) -> (Option<Duration>, Duration) {
        let present = self.present();
        (present.since.map(|since| since.elapsed()), present.most)
    }

    /// From here on, not from when the thread takes it up: one that hangs may never do so.
    fn ordered(&self) {
        let mut present = self.present();
        present.undone += 1;
        present.since.get_or_insert_with(Instant::now);
    }

    fn done(&self) {
        let mut present = self.present();
        present.undone = present.undone.saturating_sub(1);
        present.since = (present.undone > 0).then(Instant::now);
    }

    fn may_take(&self, most: Duration) {
        self.present().most = most;
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Starts the thread, in the network namespace of the caller.
    pub fn start(switch: Switch) -> std::io::Result<Worker> {
        let (orders, inbox) = mpsc::channel();
        let stop = switch.stop();
        let busy = Busy::new(switch.config());
        let told = busy.clone();
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || work(switch, &inbox, &told))?;
        Ok(Worker { stop, orders: Some(orders), thread: Some(thread), busy })
    }

    /// What the thread is at.
    pub fn busy(&self) -> Busy {
        self.busy.clone()
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
            self.busy.ordered();
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
fn work(mut switch: Switch, inbox: &mpsc::Receiver<Order>, busy: &Busy) {
    while let Ok(order) = inbox.recv() {
        match order {
            Order::Sync(task, reply) => drop(reply.send(switch.sync(&task))),
            Order::Glance(reply) => drop(reply.send(switch.glance())),
            Order::Count(reply) => drop(reply.send(switch.count())),
            Order::Watch(reply) => drop(reply.send(switch.watch())),
            Order::Reconfigure(config, reply) => {
                // By the old configuration or by the new one.
                busy.may_take(longest(switch.config()).max(longest(&config)));
                let done = switch.reconfigure(&config);
                busy.may_take(longest(switch.config()));
                drop(reply.send(done.map(|()| switch.choice().clone())));
            }
            Order::Remove(reply) => drop(reply.send(switch.remove(false))),
        }
        busy.done();
    }
}

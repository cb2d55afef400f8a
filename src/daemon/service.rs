//! The service between its events: one handler for each.
use super::journal::Journal;
use super::listen::{Ear, Heard};
use super::pages::Pages;
use super::state::Last;
use super::work::{Done, Work};
use super::{Ended, RunError};
use crate::config::Config;
use crate::control::Answer as Said;
use crate::control::server::Reply;
use crate::culprit::Resolver;
use crate::logging;
use crate::metrics::Metrics;
use crate::monitor::{Decision, Findings, Monitor, Sighting};
use crate::notify::Manager;
use crate::probe::Choice;
use crate::story::{Event, GapFlows, Suspects};
use crate::switch::{Switch, Synced, Task};
use crate::teller::{Moment, Teller};
use crate::worker::Worker;
use chainkeeper_contract::BackendError;
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Events that a slow follower may be behind.
const BEHIND: usize = 256;

/// All that runs beside the event loop.
pub(super) struct Service {
    pub(super) work: Work,
    pub(super) ear: Ear,
    pub(super) config: Config,
    pub(super) monitor: Monitor,
    wake: Option<Instant>,
    pub(super) began: Instant,
    journal: Journal,
    pub(super) teller: Teller,
    pub(super) resolver: Resolver,
    pub(super) followers: broadcast::Sender<Event>,
    pub(super) flows: mpsc::Sender<Result<GapFlows, BackendError>>,
    pub(super) choice: Choice,
    /// What is written is the first by this configuration: nobody has taken it.
    pub(super) placing: bool,
    /// What is being done may write.
    pub(super) writing: bool,
    /// Answers that wait for what is being written.
    pub(super) parked: Vec<(oneshot::Sender<Reply>, Said)>,
    /// Connections are being counted.
    pub(super) counting: bool,
    pub(super) last: Last,
    pub(super) metrics: Metrics,
    pub(super) pages: Pages,
    pub(super) manager: Manager,
    /// The first pass is done.
    pub(super) passed: bool,
}

impl Service {
    /// Starts the worker, and hears of commits from now on.
    pub(super) fn start(
        config: Config,
        switch: Switch,
        flows: mpsc::Sender<Result<GapFlows, BackendError>>,
    ) -> io::Result<Service> {
        let ear = Ear::new(switch.watch());
        let choice = switch.choice().clone();
        let monitor = Monitor::new(config.monitor.clone());
        let work = Work::of(Worker::start(switch)?);
        let manager = Manager::of_environment();
        manager.watch(work.worker.busy())?;
        Ok(Service {
            work,
            ear,
            monitor,
            wake: None,
            began: Instant::now(),
            journal: Journal::default(),
            teller: Teller::default(),
            resolver: Resolver::new(config.command_lines),
            followers: broadcast::Sender::new(BEHIND),
            flows,
            config,
            choice,
            placing: true,
            writing: false,
            parked: vec![],
            counting: false,
            last: Last::default(),
            metrics: Metrics::default(),
            pages: Pages::default(),
            manager,
            passed: false,
        })
    }

    /// When there is something to do without news: the monitor, a watch that has to be asked, what the
    /// journal has counted, a manager that did not get what it was told.
    pub(super) fn next(&self) -> Option<Instant> {
        let times = [self.wake, self.asks(), logging::wake(), self.manager.again()];
        times.into_iter().flatten().min()
    }

    /// That time has come. The manager is told before the next wait as before each.
    pub(super) async fn rang(&mut self) {
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= Instant::now());
        if is_due(self.asks()) {
            self.listen().await;
        }
        if is_due(self.wake) {
            self.see(Sighting::Time);
        }
        if is_due(logging::wake()) {
            logging::say_due();
        }
    }

    /// The worker has something to do, so that an answer from it may take long.
    pub(super) fn is_busy(&self) -> bool {
        self.work.is_busy() || self.pages.is_counting()
    }

    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn moment(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { wall, now: self.now() }
    }

    /// Shows the monitor what was seen, does what it says, and tells what it tells.
    pub(super) fn see(&mut self, sighting: Sighting) {
        let decision = self.monitor.step(self.now(), sighting);
        self.obey(decision);
        self.tell(None);
    }

    fn obey(&mut self, decision: Decision) {
        self.wake = None;
        let observes = self.config.monitor.keep.is_nothing();
        let elsewhere = !observes && self.monitor.paused().is_none();
        match decision {
            Decision::Rest(until) => self.wake = until.and_then(|at| self.began.checked_add(at)),
            Decision::Look => self.work.glance(),
            Decision::Pass => self.work.sync(Task { elsewhere, ..Task::default() }),
            Decision::Write { chains, canaries } => {
                self.writing = true;
                self.work.sync(Task { write: true, chains, canaries, elsewhere });
            }
        }
    }

    /// What was asked of the worker is done. Returns how the run ends, if it does.
    pub(super) async fn answered(&mut self, done: Option<Done>) -> Result<Option<Ended>, RunError> {
        // What happened before the answer is to be known before it.
        if let Heard::News(news) = self.ear.take() {
            self.hear(news);
        }
        match done.ok_or(RunError::WorkerGone)? {
            Done::Glanced(look, findings) => {
                self.metrics.glanced(&look);
                self.last.glanced(&look, self.now());
                self.seen(*findings, None);
            }
            Done::Synced(synced) => {
                let leave = self.synced(*synced).await;
                self.passed = true;
                if leave {
                    return Ok(Some(Ended::BackendChanged));
                }
            }
        }
        Ok(None)
    }

    async fn synced(&mut self, synced: Synced) -> bool {
        let Synced { findings, choice, kept, said, leave, restarts } = synced;
        let moved = choice.kind != self.choice.kind;
        self.choice = choice;
        if moved {
            // What is missing there was taken by nobody.
            self.monitor.moved();
            self.teller.moved();
            self.placing = true;
        }
        self.last.synced(&kept, self.now());
        let took = kept.as_ref().ok().map(|done| done.pass.took);
        self.metrics.synced(self.writing, findings.commits, restarts, &kept);
        let wrote = std::mem::take(&mut self.writing) || moved;
        let told = self.seen(findings, took);
        self.placing &= !(wrote && kept.is_ok());
        self.journal.synced(&kept, &said, told);
        if moved {
            let _ = self.listen_anew().await;
            self.see(Sighting::Lost); // what came between the two
        }
        for (reply, said) in std::mem::take(&mut self.parked) {
            drop(reply.send(Reply { now: vec![said], later: None }));
        }
        leave
    }

    /// True when what was written has been told.
    fn seen(&mut self, findings: Findings, took: Option<Duration>) -> bool {
        let partial = !findings.unread.is_empty();
        let mut by = self.teller.looked(findings.generation, &findings.ours, partial);
        if findings.wants_else {
            by = Suspects { any_of: vec![], incomplete: true };
            let keep = &self.config.monitor.keep;
            self.placing |= findings.found.0.keys().any(|key| keep.has_key(key));
        }
        let decision = self.monitor.step(self.now(), Sighting::Findings(findings));
        let told = self.tell(Some((by, took.unwrap_or_default())));
        self.obey(decision);
        told
    }
}

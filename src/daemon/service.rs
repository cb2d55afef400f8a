//! The service between its events: one handler for each.
use super::journal::Journal;
use super::listen::{Ear, Heard};
use super::state::Last;
use super::work::{Done, Work};
use super::{Ended, end};
use crate::advice;
use crate::config::{Config, OnExit};
use crate::control::server::{Asked, Reply};
use crate::control::{Answer as Said, Request};
use crate::culprit::{Culprit, Resolver};
use crate::damage::ChainKey;
use crate::flows;
use crate::monitor::{Answer, Monitor, News, Sighting, Verdict};
use crate::probe::Choice;
use crate::report;
use crate::status::{Status, YieldedChain};
use crate::story::{Event, GapFlows, Suspects, What};
use crate::switch::{Switch, Synced, Task};
use crate::teller::{Moment, Teller};
use crate::worker::{Order, Worker};
use anyhow::Context as _;
use chainkeeper_contract::{BackendError, Signal};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

/// Events that a slow follower may be behind.
const BEHIND: usize = 256;
/// The longest pause.
const PAUSE_MOST: Duration = Duration::from_secs(7 * 24 * 3600);

/// All that runs beside the event loop.
pub(super) struct Service {
    pub(super) work: Work,
    pub(super) ear: Ear,
    pub(super) config: Config,
    monitor: Monitor,
    wake: Option<Instant>,
    began: Instant,
    journal: Journal,
    teller: Teller,
    resolver: Resolver,
    followers: broadcast::Sender<Event>,
    flows: mpsc::Sender<Result<GapFlows, BackendError>>,
    choice: Choice,
    /// What is written is the first of these rules: nobody has taken it.
    placing: bool,
    /// What is being done may write.
    writing: bool,
    pub(super) last: Last,
}

impl Service {
    /// Starts the worker, and hears of commits from now on.
    pub(super) fn start(
        config: Config,
        switch: Switch,
        flows: mpsc::Sender<Result<GapFlows, BackendError>>,
    ) -> anyhow::Result<Service> {
        let ear = Ear::new(switch.watch());
        let choice = switch.choice().clone();
        let monitor = Monitor::new(config.monitor.clone());
        Ok(Service {
            work: Work::of(Worker::start(switch)?),
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
            last: Last::default(),
        })
    }

    /// When there is something to do without news.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.wake
    }

    /// A watch that has to be asked is asked often.
    pub(super) fn is_close(&self) -> bool {
        self.monitor.is_close()
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn moment(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { wall, now: self.now() }
    }

    /// Shows the monitor what was seen, and does what it says. Its news are left to the caller.
    pub(super) fn see(&mut self, sighting: Sighting) {
        let verdict = self.monitor.step(self.now(), sighting);
        self.obey(verdict);
        self.tell(None);
    }

    fn obey(&mut self, verdict: Verdict) {
        self.wake = None;
        let observes = self.config.monitor.keep.is_nothing();
        let elsewhere = !observes && self.monitor.paused().is_none();
        match verdict {
            Verdict::Rest(until) => self.wake = until.and_then(|at| self.began.checked_add(at)),
            Verdict::Look => self.work.glance(),
            Verdict::Pass => self.work.sync(Task { elsewhere, ..Task::default() }),
            Verdict::Write { chains, canaries } => {
                self.writing = true;
                self.work.sync(Task { write: true, chains, canaries, elsewhere });
            }
        }
    }

    /// There may be news.
    pub(super) async fn listen(&mut self) {
        match self.ear.take() {
            Heard::News(news) => news.into_iter().for_each(|signal| self.hear(signal)),
            Heard::Deaf => {
                self.listen_anew().await;
                self.see(Sighting::Lost);
            }
        }
    }

    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Commit { generation, writer } => {
                // At once: who wrote may be gone in a moment.
                let culprit = match &writer {
                    Some(writer) => self.resolver.resolve(writer),
                    None => Culprit::unknown_writer(),
                };
                self.teller.heard(generation, culprit);
                self.see(Sighting::Commit(generation));
            }
            Signal::Lost => self.see(Sighting::Lost),
        }
    }

    async fn listen_anew(&mut self) {
        if let Some(watch) = self.work.worker.ask(Order::Watch).await {
            self.ear.open(watch);
        }
    }

    /// What was asked of the worker is done. Returns how the run ends, if it does.
    pub(super) async fn answered(&mut self, done: Option<Done>) -> anyhow::Result<Option<Ended>> {
        // What happened before the answer is to be known before it.
        if let Heard::News(news) = self.ear.take() {
            news.into_iter().for_each(|signal| self.hear(signal));
        }
        match done.context("the worker thread is gone; nothing is kept any more")? {
            Done::Glanced(look, answer) => {
                self.last.glanced(&look, self.now());
                self.seen(answer, None);
            }
            Done::Synced(synced) => {
                if self.synced(*synced).await {
                    return Ok(Some(Ended::BackendChanged));
                }
            }
        }
        Ok(None)
    }

    async fn synced(&mut self, synced: Synced) -> bool {
        let Synced { answer, choice, kept, said, leave } = synced;
        let moved = choice.kind != self.choice.kind;
        self.choice = choice;
        if moved {
            // What is missing there was taken by nobody.
            self.monitor.moved();
            self.teller = std::mem::take(&mut self.teller).moved();
            self.placing = true;
        }
        self.last.synced(&kept, self.now());
        let took = kept.as_ref().ok().map(|done| done.pass.took);
        let wrote = std::mem::take(&mut self.writing) || moved;
        let told = self.seen(answer, took);
        self.placing &= !(wrote && kept.is_ok());
        self.journal.synced(&kept, &said, told);
        if moved {
            self.listen_anew().await;
        }
        leave
    }

    /// True when what was written has been told.
    fn seen(&mut self, answer: Answer, took: Option<Duration>) -> bool {
        let by = self.teller.looked(answer.generation, answer.commits);
        let verdict = self.monitor.step(self.now(), Sighting::Answer(answer));
        let told = self.tell(Some((by, took.unwrap_or_default())));
        self.obey(verdict);
        told
    }
}

/// The story.
impl Service {
    /// Tells what the monitor has to tell, of a look at what `by` may have done. True when a repair was told.
    fn tell(&mut self, look: Option<(Suspects, Duration)>) -> bool {
        let nobody = || (Suspects { any_of: vec![], incomplete: true }, Duration::ZERO);
        let (by, took) = look.unwrap_or_else(nobody);
        let mut repaired = false;
        for news in self.monitor.news() {
            // What is written first was not taken by anybody we know of.
            let first = match &news {
                News::Damaged { kept, .. } => self.placing && *kept,
                News::Mended { .. } => self.placing,
                _ => false,
            };
            if first {
                self.teller.placed();
                continue;
            }
            repaired |= matches!(news, News::Mended { .. });
            let took_ms = took.as_secs_f64() * 1e3;
            let gap = match &news {
                News::Mended { damage, since, .. } if flows::concerns(damage) => Some(*since),
                _ => None,
            };
            if let Some(event) = self.teller.tell(self.moment(), news, &by, took_ms) {
                let number = event.number;
                self.publish(event);
                gap.into_iter().for_each(|since| self.count_flows(number, since));
            }
        }
        repaired
    }

    /// Counts the connections of a gap beside the work: there may be very many.
    fn count_flows(&self, of: u64, since: Duration) {
        let how = self.config.flows.clone();
        if !how.count {
            return;
        }
        let until = SystemTime::now();
        let from = until.checked_sub(self.now().saturating_sub(since)).unwrap_or(UNIX_EPOCH);
        let found = self.flows.clone();
        tokio::task::spawn_blocking(move || {
            // The service may have ended meanwhile.
            drop(found.blocking_send(flows::look(&how, of, from, until)));
        });
    }

    /// They were counted.
    pub(super) fn counted(&mut self, flows: Result<GapFlows, BackendError>) {
        match flows {
            Ok(flows) if flows.without_translation == 0 => {}
            Ok(flows) => {
                let event = self.teller.asked(self.moment(), What::Flows(flows));
                self.publish(event);
            }
            Err(why) => debug!("connections are not counted: {why}"),
        }
    }

    fn publish(&mut self, event: Event) {
        let line = report::event_line(&event);
        match &event.what {
            What::Yielded { .. } => warn!("{line}"),
            What::Gap(_)
            | What::Flows(_)
            | What::Recovered { .. }
            | What::Paused { .. }
            | What::Resumed { .. } => {
                info!("{line}");
            }
        }
        drop(self.followers.send(event)); // nobody may be following
    }

    /// Answers a question from the socket.
    pub(super) fn asked(&mut self, Asked { request, reply }: Asked) {
        let (now, later) = match request {
            Request::Status {} => (vec![Said::Status(Box::new(self.status()))], None),
            Request::Events { since_ms, follow } => {
                let events = self.teller.since(since_ms).cloned().map(Said::Event).collect();
                (events, follow.then(|| self.followers.subscribe()))
            }
            Request::Pause { for_ms } => (vec![self.pause(Duration::from_millis(for_ms))], None),
            Request::Resume {} => {
                let was = self.monitor.paused().is_some();
                if was {
                    let resumed = What::Resumed { by_itself: false };
                    let event = self.teller.asked(self.moment(), resumed);
                    self.publish(event);
                }
                self.see(Sighting::Resume);
                (vec![Said::Done(was)], None)
            }
        };
        drop(reply.send(Reply { now, later })); // who asked may have gone
    }

    fn pause(&mut self, length: Duration) -> Said {
        if length.is_zero() || length > PAUSE_MOST {
            return Said::Error("a pause lasts up to 7 days".into());
        }
        let for_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let event = self.teller.asked(self.moment(), What::Paused { for_ms });
        self.publish(event);
        self.see(Sighting::Pause(length));
        Said::Done(true)
    }

    fn status(&self) -> Status {
        let (now, ms) =
            (self.now(), |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        let left = |until: Duration| ms(until.saturating_sub(now));
        let yielded = self.monitor.yielded();
        let one = |(chain, again): (&ChainKey, &Duration)| {
            let (by, rounds) = self.teller.who_undid(chain);
            let (by, again_ms) = (report::who(by), left(*again));
            YieldedChain { chain: chain.clone(), by, rounds, again_ms }
        };
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            backend: self.choice.kind.to_string(),
            why: self.choice.why.clone(),
            watch: self.ear.way().into(),
            up_ms: ms(now),
            generation: self.last.generation,
            looked_ms: self.last.looked.map(|at| ms(now.saturating_sub(at))),
            keep: self.config.monitor.keep.to_string(),
            families: self.last.tables(&self.config, &self.monitor.damage(), &yielded),
            errors: self.last.errors(),
            problems: self.last.problems.clone(),
            yielded: yielded.iter().map(one).collect(),
            paused_ms: self.monitor.paused().map(left),
            day: self.teller.day(self.moment()),
        }
    }
}

/// Configuration and the end.
impl Service {
    /// Keeps another configuration from now on; after an error the one so far.
    pub(super) async fn reconfigure(&mut self, new: Config) {
        let order = |reply| Order::Reconfigure(Box::new(new.clone()), reply);
        let choice = match self.work.worker.ask(order).await {
            Some(Ok(choice)) => choice,
            Some(Err(why)) => return error!("keeping the last good configuration: {why}"),
            None => return, // told by the next answer that does not come
        };
        info!("configuration reloaded: {choice}");
        choice.warnings.iter().for_each(|w| warn!("{w}"));
        warn_dialect(&new);
        self.choice = choice;
        self.resolver = Resolver::new(new.command_lines);
        self.monitor.reconfigure(new.monitor.clone());
        self.config = new;
        self.placing = true;
        self.listen_anew().await;
        self.see(Sighting::Lost);
    }

    /// What is left to do when it ends.
    pub(super) async fn end(self) -> anyhow::Result<Ended> {
        match self.config.on_exit {
            _ if self.config.monitor.keep.is_nothing() => {
                info!("stopped; nothing was written");
                Ok(Ended::Asked)
            }
            OnExit::Keep => {
                info!("stopped; the chains stay in place");
                Ok(Ended::Asked)
            }
            OnExit::Remove => Ok(end::removed(self.work.worker.ask(Order::Remove).await)),
        }
    }
}

pub(super) fn warn_dialect(config: &Config) {
    if let Some(screen) = advice::dialect(config.dialect) {
        warn!("{}", screen.trim_start_matches("warning: "));
    }
}

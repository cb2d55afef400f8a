//! What the service tells: the story, to the journal and those who follow, and answers to questions.
use super::service::Service;
use crate::control::server::{Asked, Reply};
use crate::control::{Answer as Said, Request};
use crate::damage::ChainKey;
use crate::flows;
use crate::logging;
use crate::monitor::{News, PAUSE_MOST, Sighting};
use crate::notify;
use crate::report;
use crate::status::{Status, YieldedChain};
use crate::story::{Event, GapFlows, Suspects, What};
use chainkeeper_contract::{BackendError, Family};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::{debug, warn};

impl Service {
    /// Tells what the monitor has to tell, of a look at what `by` may have done. True when a repair was told.
    pub(super) fn tell(&mut self, look: Option<(Suspects, Duration)>) -> bool {
        let nobody = || (Suspects { any_of: vec![], incomplete: true }, Duration::ZERO);
        let (by, took) = look.unwrap_or_else(nobody);
        let mut repaired = false;
        for news in self.monitor.news() {
            // What is written first was not taken by anybody we know of.
            let placed = matches!(news, News::Damaged { kept: true, .. } | News::Mended { .. });
            if placed && self.placing {
                self.teller.placed();
                continue;
            }
            repaired |= matches!(news, News::Mended { .. });
            let took_ms = took.as_secs_f64() * 1e3;
            let gap = if let News::Mended { damage, since, .. } = &news {
                Some((flows::concerned(damage), *since))
            } else {
                None
            };
            if let Some(event) = self.teller.tell(self.moment(), news, &by, took_ms) {
                let number = event.number;
                self.publish(event);
                if let Some((families, since)) = gap {
                    self.count_flows(families, number, since);
                }
            }
        }
        repaired
    }

    /// Counts the connections of a gap beside the work: there may be very many.
    fn count_flows(&mut self, families: BTreeSet<Family>, of: u64, since: Duration) {
        let how = self.config.flows.clone();
        // One count at a time: under one that takes long, gaps may come faster than counts.
        if !how.count || families.is_empty() || std::mem::replace(&mut self.counting, true) {
            return;
        }
        let until = SystemTime::now();
        // `since` is when it was heard of: the chains were missing before.
        let gap = self.now().saturating_sub(since).saturating_add(self.ear.late());
        let from = until.checked_sub(gap).unwrap_or(UNIX_EPOCH);
        let found = self.flows.clone();
        // Not tokio's `spawn_blocking`, which panics where the system gives no thread.
        let thread = std::thread::Builder::new().name("flows".into()).spawn(move || {
            // The service may have ended meanwhile.
            drop(found.blocking_send(flows::look(&how, &families, of, from, until)));
        });
        if let Err(why) = thread {
            self.counting = false;
            warn!("connections of a gap are not counted: {why}");
        }
    }

    /// They were counted.
    pub(super) fn counted(&mut self, flows: Result<GapFlows, BackendError>) {
        self.counting = false;
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
        self.metrics.event(&event);
        logging::told(&event);
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
            Request::Pause { for_ms } => {
                let said = self.pause(Duration::from_millis(for_ms));
                if self.writing {
                    // Nothing is written any more once this is answered.
                    return self.parked.push((reply, said));
                }
                (vec![said], None)
            }
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
            return Said::Error("a pause is longer than nothing, and up to 7 days".into());
        }
        let for_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let event = self.teller.asked(self.moment(), What::Paused { for_ms });
        self.publish(event);
        self.see(Sighting::Pause(length));
        Said::Done(true)
    }

    /// Tells the service manager how it is, if it has changed. Not before the first pass: then it is ready,
    /// whatever came of that.
    pub(super) fn tell_manager(&mut self) {
        if self.passed && self.manager.is_there() {
            let line = notify::line(&self.status(), &self.monitor.damage(), self.metrics.refused());
            self.manager.tell(&line);
        }
    }

    pub(super) fn status(&self) -> Status {
        let (now, ms) =
            (self.now(), |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        let left = |until: Duration| ms(until.saturating_sub(now));
        let (busy, most) = self.work.worker.busy().now();
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
            counters: self.last.counted.clone(),
            yielded: yielded.iter().map(one).collect(),
            paused_ms: self.monitor.paused().map(left),
            busy_ms: busy.map(ms),
            busy_most_ms: ms(most),
            day: self.teller.day(self.moment()),
        }
    }
}

//! Pages over HTTP: metrics, and whether it lives and does its work.
use super::service::Service;
use crate::backends::Kind;
use crate::http::{Asked, Page, Route};
use crate::metrics::{Form, Now, Usage};
use crate::reconcile::Counted;
use crate::report;
use crate::safe;
use crate::status::{Status, TableState};
use crate::worker::Order;
use chainkeeper_contract::{BackendError, Table};
use std::future::pending;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

/// So long a scrape waits for what the rules have counted. After it, what is known has to do.
const WAIT: Duration = Duration::from_secs(1);
/// What was counted is this fresh; in legacy programs have to be started for it.
const FRESH: Duration = Duration::from_millis(100);
const FRESH_LEGACY: Duration = Duration::from_secs(10);

type Counts = Result<Vec<Counted>, BackendError>;

/// Scrapes that wait for counts.
#[derive(Default)]
pub(super) struct Pages {
    waiting: Vec<Asked>,
    /// Not longer than that.
    until: Option<Instant>,
    /// What the worker was asked for. It has other things to do, too.
    ordered: Option<oneshot::Receiver<Counts>>,
    counted: Option<Instant>,
    came: Option<Counts>,
}

impl Pages {
    /// The worker counts, or will do so next.
    pub(super) fn is_counting(&self) -> bool {
        self.ordered.is_some()
    }

    /// There are counts, or whoever waits has waited long enough. Dropping it loses nothing.
    pub(super) async fn due(&mut self) {
        let Some(ordered) = &mut self.ordered else { return pending().await };
        tokio::select! {
            biased;
            counts = ordered => {
                self.ordered = None;
                self.came = counts.ok();
            }
            () = until(self.until) => {}
        }
    }
}

impl Service {
    /// Answers, or lets it wait for what the worker is to say.
    pub(super) fn page(&mut self, asked: Asked) {
        if asked.route != Route::Metrics {
            let page = self.written(asked.route, "");
            drop(asked.reply.send(page)); // who asked may have gone
            return;
        }
        let fresh = match self.choice.kind {
            Kind::Nft => FRESH,
            Kind::Legacy => FRESH_LEGACY,
        };
        let pages = &mut self.pages;
        pages.waiting.retain(|asked| !asked.reply.is_closed());
        pages.waiting.push(asked);
        if pages.ordered.is_none() && pages.counted.is_none_or(|at| at.elapsed() >= fresh) {
            let (reply, counts) = oneshot::channel();
            self.work.worker.order(Order::Count(reply));
            pages.ordered = Some(counts);
        }
        if pages.ordered.is_none() {
            self.counts_are_due();
        } else if pages.until.is_none() {
            pages.until = Some(Instant::now() + WAIT);
        }
    }

    /// Answers all who wait.
    pub(super) fn counts_are_due(&mut self) {
        match self.pages.came.take() {
            Some(Ok(counted)) => {
                self.pages.counted = Some(Instant::now());
                self.last.counted = counted;
            }
            Some(Err(why)) => debug!("rules are not counted: {why}"),
            None => {}
        }
        self.pages.until = None;
        for Asked { route, accept, reply } in std::mem::take(&mut self.pages.waiting) {
            drop(reply.send(self.written(route, &accept)));
        }
    }

    fn written(&self, route: Route, accept: &str) -> Page {
        match route {
            Route::Index => {
                let paths = Route::ALL.iter().filter(|(_, route)| *route != Route::Index);
                let paths: String = paths.map(|(path, _)| format!("{path}\n")).collect();
                Page::plain(200, format!("chainkeeper {}\n\n{paths}", env!("CARGO_PKG_VERSION")))
            }
            Route::Live => judged(hangs(&self.status())),
            Route::Ready => judged(lacks(&self.status())),
            Route::Metrics => {
                let (form, wall) = (Form::of(accept), self.moment().wall);
                let now = Now {
                    status: &self.status(),
                    damage: &self.monitor.damage(),
                    choice: &self.choice,
                    observes: self.config.monitor.keep.is_nothing(),
                    counted: &self.last.counted,
                    usage: &Usage::of_this(wall),
                    wall,
                };
                Page { status: 200, kind: form.content_type(), text: self.metrics.page(&now, form) }
            }
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

fn judged(wrong: Vec<String>) -> Page {
    match wrong.is_empty() {
        true => Page::plain(200, "ok\n".into()),
        false => {
            Page::plain(503, wrong.iter().map(|line| format!("{}\n", safe::line(line))).collect())
        }
    }
}

/// Why only a restart helps.
fn hangs(status: &Status) -> Vec<String> {
    match status.is_alive() {
        true => vec![],
        false => vec![report::live(status).trim_end().to_owned()],
    }
}

/// What is not in place.
fn lacks(status: &Status) -> Vec<String> {
    let mut lacks = hangs(status);
    if status.looked_ms.is_none() {
        lacks.push("nothing could be looked at yet".into());
    }
    if !status.in_sync() {
        for (family, tables) in &status.families {
            let wrong = tables.iter().filter(|(_, state)| !state.is_fine());
            let line =
                |(t, s): (&Table, &TableState)| format!("{family} {t}: {}", report::word(*s));
            lacks.extend(wrong.map(line));
        }
        lacks.extend(status.errors.iter().chain(&status.problems).cloned());
        if status.paused_ms.is_some() {
            lacks.push("paused: nothing is written".into());
        }
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_one_line_of_a_page() {
        let page = judged(vec!["bad\nok\u{1b}[2J".into(), "more".into()]);
        assert_eq!((page.status, page.text.as_str()), (503, "bad\\nok\\u{1b}[2J\nmore\n"));
    }
}

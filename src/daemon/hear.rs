//! What the service does with news of others' commits.
use super::listen::Heard;
use super::service::Service;
use crate::culprit::Culprit;
use crate::monitor::Sighting;
use crate::worker::Order;
use chainkeeper_contract::{Signal, Writer};
use std::time::Instant;

impl Service {
    /// When a watch has to be asked, or opened. The worker opens it, so not while that is busy.
    pub(super) fn asks(&self) -> Option<Instant> {
        let waits = self.ear.is_deaf() && self.is_busy();
        self.ear.asks(self.monitor.is_close()).filter(|_| !waits)
    }

    /// There may be news.
    pub(super) async fn listen(&mut self) {
        match self.ear.take() {
            Heard::News(news) => self.hear(news),
            // The worker opens it; while it is busy, everything else goes on.
            Heard::Deaf if self.is_busy() => {}
            Heard::Deaf => {
                if self.listen_anew().await {
                    self.see(Sighting::Lost);
                }
            }
        }
    }

    /// News that came together.
    pub(super) fn hear(&mut self, news: Vec<Signal>) {
        let mut last = None;
        for signal in news {
            match signal {
                Signal::Commit { generation, writer } => {
                    let culprit = self.culprit(writer, &mut last);
                    self.teller.heard(generation, culprit);
                    self.see(Sighting::Commit(generation));
                }
                Signal::Lost => {
                    self.metrics.overrun();
                    self.see(Sighting::Lost);
                }
            }
        }
    }

    /// Asked at once: who wrote may be gone in a moment. Of one who makes commit after commit, asked once.
    fn culprit(&self, writer: Option<Writer>, last: &mut Option<(Writer, Culprit)>) -> Culprit {
        let Some(writer) = writer else { return Culprit::unknown_writer() };
        if let Some((_, culprit)) = last.as_ref().filter(|(known, _)| *known == writer) {
            return culprit.clone();
        }
        let culprit = self.resolver.resolve(&writer);
        *last = Some((writer, culprit.clone()));
        culprit
    }

    /// True when there is a watch again.
    pub(super) async fn listen_anew(&mut self) -> bool {
        match self.work.worker.ask(Order::Watch).await {
            Some(watch) => self.ear.open(watch),
            None => false,
        }
    }
}

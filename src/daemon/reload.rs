//! Another configuration, and what there is to say of any.
use super::service::Service;
use crate::advice;
use crate::config::Config;
use crate::culprit::Resolver;
use crate::host;
use crate::logging;
use crate::monitor::Sighting;
use crate::worker::Order;
use tracing::{error, info, warn};

impl Service {
    /// Keeps what was read from now on; after an error what was kept so far.
    pub(super) async fn reload(&mut self, new: Result<Config, String>) {
        self.manager.reloading();
        let done = match new {
            Ok(new) => self.reconfigure(new).await,
            Err(why) => Err(why),
        };
        self.metrics.reloaded(done.is_ok());
        if let Err(why) = done {
            error!("keeping the last good configuration: {why}");
        }
    }

    async fn reconfigure(&mut self, new: Config) -> Result<(), String> {
        let order = |reply| Order::Reconfigure(Box::new(new.clone()), reply);
        let choice = match self.work.worker.ask(order).await {
            Some(choice) => choice.map_err(|why| why.to_string())?,
            // Told by the next answer that does not come.
            None => return Err("the worker thread is gone".into()),
        };
        logging::reconfigure(&new);
        info!("configuration reloaded: {choice}");
        choice.warnings.iter().for_each(|w| warn!("{w}"));
        warn_dialect(&new);
        self.choice = choice;
        self.resolver = Resolver::new(new.command_lines);
        self.monitor.reconfigure(new.monitor.clone());
        self.config = new;
        self.placing = true;
        let _ = self.listen_anew().await;
        self.see(Sighting::Lost);
        Ok(())
    }
}

/// What is wrong around us is said once.
pub(super) fn warn_container(config: &Config) {
    let around = host::surroundings(config.socket.as_deref(), config.state_file.as_deref());
    for doubt in around.iter().flat_map(advice::doubts) {
        warn!("{}", advice::warning(&doubt));
    }
}

pub(super) fn warn_dialect(config: &Config) {
    if let Some(screen) = advice::dialect(config.dialect) {
        warn!("{}", screen.trim_start_matches("warning: "));
    }
}

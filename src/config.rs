//! One Config, fed by layers of settings. Messages name the key, and where it was set.
mod check;
mod choices;
mod environment;
mod file;
mod kubelet;
mod layers;
mod places;
mod settings;
mod sources;
mod yaml;

pub use choices::{
    BackendChoice, Dialect, FamilyChoice, LogFormat, LogLevel, OnBackendChange, OnConflict, OnExit,
    Position, Profile, Sweep, WatchChoice,
};
pub use file::{DEFAULT, parse};
pub use layers::{Layers, Origin};
pub use settings::Settings;
pub use sources::{Loaded, Sources};

use crate::monitor::MonitorConfig;
use crate::safe;
use chainkeeper_conntrack::Cidr;
use chainkeeper_contract::{Family, JumpPosition, Way};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Every setting with a value, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// See [`Settings::backend`].
    pub backend: BackendChoice,
    /// See [`Settings::on_backend_change`].
    pub on_backend_change: OnBackendChange,
    /// See [`Settings::sweep`].
    pub sweep: Sweep,
    /// See [`Settings::lock_wait`].
    pub lock_wait: Duration,
    /// See [`Settings::state_file`]; `None`: nothing is remembered.
    pub state_file: Option<PathBuf>,
    /// See [`Settings::dialect`].
    pub dialect: Dialect,
    /// See [`Settings::force_dialect`].
    pub force_dialect: bool,
    /// See [`Settings::profile`].
    pub profile: Profile,
    /// Families to keep, in order.
    pub families: Vec<Family>,
    /// 1 << masquerade bit.
    pub masquerade_mark: u32,
    /// 1 << drop bit.
    pub drop_mark: u32,
    /// See [`Settings::make_iptables_util_chains`].
    pub make_chains: bool,
    /// See [`Settings::jump_position`].
    pub jumps: JumpPosition,
    /// See [`Settings::sync_period`].
    pub sync_period: Duration,
    /// See [`Settings::on_exit`].
    pub on_exit: OnExit,
    /// See [`Settings::watch`].
    pub watch: Way,
    /// When to look and to write.
    pub monitor: MonitorConfig,
    /// See [`Settings::socket`]; `None`: there is none.
    pub socket: Option<PathBuf>,
    /// See [`Settings::command_lines`].
    pub command_lines: bool,
    /// See [`Settings::count_flows`] and [`Settings::heal_flows`].
    pub flows: Flows,
    /// See [`Settings::metrics_bind_address`]; `None`: nothing is served.
    pub metrics: Option<SocketAddr>,
    /// See [`Settings::log_format`].
    pub log_format: LogFormat,
    /// See [`Settings::log_level`].
    pub log_level: LogLevel,
}

/// What is done about connections that began in a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flows {
    /// They are counted.
    pub count: bool,
    /// From these sources they are ended.
    pub heal: Vec<Cidr>,
}

/// What is wrong with a setting, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ConfigError {
    /// Names the file and line, the variable, or the flag.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// The keys that it is about.
    keys: Vec<&'static str>,
}

impl ConfigError {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> ConfigError {
        // What was set may be anything.
        let [what, remedy] = [what.into(), remedy.into()].map(|text: String| safe::line(&text));
        ConfigError { what, remedy, keys: vec![] }
    }

    fn about(self, keys: &[&'static str]) -> ConfigError {
        ConfigError { keys: keys.to_vec(), ..self }
    }
}

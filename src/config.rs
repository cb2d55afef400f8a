//! One Config, fed by a TOML file and by flags (flags win). Messages name the key or the line.
mod choices;
mod file;
mod settings;

pub use choices::{
    BackendChoice, Dialect, FamilyChoice, OnBackendChange, OnConflict, OnExit, Position, Profile,
    Sweep, WatchChoice,
};
pub use file::parse;
pub use settings::Settings;

use crate::control;
use crate::memory;
use crate::monitor::{Keep, Rules};
use crate::policy;
use chainkeeper_conntrack::Cidr;
use chainkeeper_contract::{Family, JumpPosition, Way};
use std::path::{Path, PathBuf};
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
    pub monitor: Rules,
    /// See [`Settings::socket`]; `None`: there is none.
    pub socket: Option<PathBuf>,
    /// See [`Settings::command_lines`].
    pub command_lines: bool,
    /// See [`Settings::count_flows`] and [`Settings::heal_flows`].
    pub flows: Flows,
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
    /// Names the file and line, or the flag.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl ConfigError {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> ConfigError {
        ConfigError { what: what.into(), remedy: remedy.into() }
    }
}

impl Config {
    /// Reads the file, if there is one, and puts the flags above it.
    pub fn load(file: Option<&Path>, flags: &Settings) -> Result<Config, ConfigError> {
        let settings = match file {
            None => flags.clone(),
            Some(path) => {
                let shown = path.display();
                let text = std::fs::read_to_string(path).map_err(|e| {
                    ConfigError::new(
                        format!("config {shown}: {e}"),
                        "check the path given to --config, or leave --config out",
                    )
                })?;
                flags.clone().over(parse(&shown.to_string(), &text)?)
            }
        };
        settings.check()
    }
}

impl Settings {
    /// Fills in the defaults and refuses what cannot be.
    pub fn check(self) -> Result<Config, ConfigError> {
        let make_chains = self.make_iptables_util_chains.unwrap_or(true);
        let masquerade_mark = mark("masquerade-bit", self.masquerade_bit.unwrap_or(14))?;
        let drop_mark = mark("drop-bit", self.drop_bit.unwrap_or(15))?;
        if make_chains && masquerade_mark == drop_mark {
            return Err(ConfigError::new(
                "masquerade-bit and drop-bit must be different",
                "a packet cannot be both masqueraded and dropped; kubelet's are 14 and 15",
            ));
        }
        let dialect = self.dialect.unwrap_or_default();
        if dialect == Dialect::Native && self.backend == Some(BackendChoice::Legacy) {
            return Err(ConfigError::new(
                "dialect native and backend legacy contradict each other",
                "the dialect is how the nft backend writes: leave one of them out",
            ));
        }
        // Beside `--dialect xt` it is what a file says of the other dialect.
        if self.force_dialect == Some(true) && self.dialect.is_none() {
            return Err(ConfigError::new(
                "force-dialect is for dialect native",
                "ask for --dialect native too, or leave force-dialect out",
            ));
        }
        let sync_period = length("sync-period", self.sync_period.as_deref().unwrap_or("1m"))?;
        let lock_wait = length("lock-wait", self.lock_wait.as_deref().unwrap_or("5s"))?;
        let state_file = self.state_file.clone().unwrap_or_else(memory::default);
        let socket = self.socket.clone().unwrap_or_else(control::default);
        let monitor = self.monitor(sync_period)?;
        let flows = self.flows()?;
        Ok(Config {
            backend: self.backend.unwrap_or_default(),
            on_backend_change: self.on_backend_change.unwrap_or_default(),
            sweep: self.sweep.unwrap_or_default(),
            lock_wait,
            state_file: Some(state_file).filter(|f| f.as_os_str() != "none"),
            dialect,
            force_dialect: self.force_dialect.unwrap_or_default(),
            profile: self.profile.unwrap_or_default(),
            families: match self.family.unwrap_or_default() {
                FamilyChoice::Both => Family::ALL.to_vec(),
                FamilyChoice::Ipv4 => vec![Family::Ipv4],
                FamilyChoice::Ipv6 => vec![Family::Ipv6],
            },
            masquerade_mark,
            drop_mark,
            make_chains,
            jumps: match self.jump_position.unwrap_or_default() {
                Position::Keep => JumpPosition::Keep,
                Position::First => JumpPosition::First,
            },
            sync_period,
            on_exit: self.on_exit.unwrap_or_default(),
            watch: self.watch.unwrap_or_default().into(),
            monitor,
            socket: Some(socket).filter(|f| f.as_os_str() != "none"),
            command_lines: self.command_lines.unwrap_or(true),
            flows,
        })
    }

    fn flows(&self) -> Result<Flows, ConfigError> {
        let heal = self.heal_flows.as_deref().unwrap_or("none");
        let one = |text: &str| text.trim().parse::<Cidr>();
        let heal = match heal {
            "none" => vec![],
            list => list.split(',').map(one).collect::<Result<_, _>>().map_err(|why| {
                ConfigError::new(
                    format!("heal-flows: {why}"),
                    "write networks of pods, parted by commas",
                )
            })?,
        };
        let count = self.count_flows.unwrap_or(true);
        if !count && !heal.is_empty() {
            return Err(ConfigError::new(
                "heal-flows and count-flows = false contradict each other",
                "what is ended is listed first: leave one of them out",
            ));
        }
        Ok(Flows { count, heal })
    }

    fn monitor(&self, sync_period: Duration) -> Result<Rules, ConfigError> {
        let keep = self.keep.as_deref().unwrap_or("all").parse::<Keep>().map_err(|why| {
            ConfigError::new(
                format!("keep: {why}"),
                "write `all`, or tables and chains: nat,filter/KUBE-FIREWALL",
            )
        })?;
        if let Keep::Only(list) = &keep {
            let unknown =
                |(t, c): &&(_, Option<_>)| c.as_ref().is_some_and(|c| !policy::is_known(*t, c));
            if let Some((table, Some(chain))) = list.iter().find(unknown) {
                return Err(ConfigError::new(
                    format!("keep: no profile keeps {table}/{chain}"),
                    "`chainkeeper render` prints the chains",
                ));
            }
        }
        let settle = match self.settle.as_deref().unwrap_or("250ms") {
            "0" | "0s" | "0ms" => Duration::ZERO,
            text => length("settle", text)?,
        };
        Ok(Rules {
            settle,
            bound: SETTLE_MOST.max(settle),
            sync_period,
            keep,
            insist: self.on_conflict.unwrap_or_default() == OnConflict::Insist,
            rounds: ROUNDS,
            window: WINDOW,
            yield_for: length("yield-for", self.yield_for.as_deref().unwrap_or("1m"))?,
            canary_wait: length("canary-wait", self.canary_wait.as_deref().unwrap_or("130s"))?,
        })
    }
}

/// A writer that does not come to rest is not waited for any longer.
const SETTLE_MOST: Duration = Duration::from_secs(5);
/// A chain undone so often, each time so soon after our repair, is a fight.
const ROUNDS: u32 = 5;
const WINDOW: Duration = Duration::from_secs(30);

fn length(key: &str, text: &str) -> Result<Duration, ConfigError> {
    humantime::parse_duration(text).ok().filter(|d| !d.is_zero()).ok_or_else(|| {
        ConfigError::new(
            format!("{key} `{text}` is not a length of time"),
            "write it like 30s, 1m or 1m30s; zero is not one",
        )
    })
}

/// Checked even when no chains are made, as kubelet does.
fn mark(key: &str, bit: i64) -> Result<u32, ConfigError> {
    match u32::try_from(bit) {
        Ok(bit @ 0..=31) => Ok(1 << bit),
        Ok(_) | Err(_) => Err(ConfigError::new(
            format!("{key} {bit} must be between 0 and 31, inclusive"),
            "a packet mark has 32 bits; kubelet uses 14 to masquerade and 15 to drop",
        )),
    }
}

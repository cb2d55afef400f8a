//! One Config, fed by a TOML file and by flags (flags win). Messages name the key or the line.
mod choices;
mod file;

pub use choices::{
    BackendChoice, Dialect, FamilyChoice, OnBackendChange, OnConflict, OnExit, Position, Profile,
    Sweep, WatchChoice,
};
pub use file::parse;

use crate::control;
use crate::memory;
use crate::monitor::{Keep, Rules};
use chainkeeper_contract::{Family, JumpPosition, Way};
use clap::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a person may set, in the file by these names and on the command line with `--`.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Which backend writes the chains [default: auto]
    #[arg(long, global = true, value_enum, hide_possible_values = false)]
    pub backend: Option<BackendChoice>,
    /// What `run` does when others use the other backend [default: warn]
    #[arg(long, global = true, value_enum)]
    pub on_backend_change: Option<OnBackendChange>,
    /// What happens to chains that we left in the other backend; `remove` takes them [default: own]
    #[arg(long, global = true, value_enum)]
    pub sweep: Option<Sweep>,
    /// How long a pass waits for the xtables lock (legacy) [default: 5s]
    #[arg(long, global = true, value_name = "TIME")]
    pub lock_wait: Option<String>,
    /// What is remembered between runs, or `none` [default: state.json in $STATE_DIRECTORY, else in
    /// /var/lib/chainkeeper]
    #[arg(long, global = true, value_name = "FILE")]
    pub state_file: Option<PathBuf>,
    /// How rules are written; native only for kernels without xt extensions [default: xt]
    #[arg(long, global = true, value_enum)]
    pub dialect: Option<Dialect>,
    /// true: write native rules also where they hide others from iptables-nft [default: false]
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
          require_equals = true)]
    pub force_dialect: Option<bool>,
    /// Which chains are kept [default: auto]
    #[arg(long, global = true, value_enum)]
    pub profile: Option<Profile>,
    /// Which address families [default: both]
    #[arg(long, global = true, value_enum)]
    pub family: Option<FamilyChoice>,
    /// Bit of the packet mark that asks for masquerading, 0..=31 [default: 14]
    #[arg(long, global = true, value_name = "BIT", allow_negative_numbers = true)]
    pub masquerade_bit: Option<i64>,
    /// Bit of the packet mark that asks for dropping, 0..=31 [default: 15]
    #[arg(long, global = true, value_name = "BIT", allow_negative_numbers = true)]
    pub drop_bit: Option<i64>,
    /// false: make nothing and remove nothing [default: true]
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
          require_equals = true)]
    pub make_iptables_util_chains: Option<bool>,
    /// What to do about a jump that some packets do not reach [default: keep]
    #[arg(long, global = true, value_enum)]
    pub jump_position: Option<Position>,
    /// How often `run` looks again, such as 30s or 1m [default: 1m]
    #[arg(long, global = true, value_name = "TIME")]
    pub sync_period: Option<String>,
    /// How `run` hears of what others write: the kernel tells it, or it asks every 100 ms [default: events]
    #[arg(long, global = true, value_enum)]
    pub watch: Option<WatchChoice>,
    /// How long nobody may have committed before `run` repairs; 0: at once [default: 250ms]
    #[arg(long, global = true, value_name = "TIME")]
    pub settle: Option<String>,
    /// What `run` does about a chain that others keep undoing [default: yield]
    #[arg(long, global = true, value_enum)]
    pub on_conflict: Option<OnConflict>,
    /// How long such a chain is left to them; each time twice as long [default: 1m]
    #[arg(long, global = true, value_name = "TIME")]
    pub yield_for: Option<String>,
    /// Which chains are written: all, or a list such as nat,filter/KUBE-FIREWALL; `run` watches the
    /// others [default: all]
    #[arg(long, global = true, value_name = "LIST")]
    pub keep: Option<String>,
    /// How long `run` leaves a lost KUBE-KUBELET-CANARY to a kubelet, which polls it [default: 130s]
    #[arg(long, global = true, value_name = "TIME")]
    pub canary_wait: Option<String>,
    /// Where `run` answers `status`, `events`, `pause` and `resume`, or `none` [default:
    /// chainkeeper.sock in $RUNTIME_DIRECTORY, else in /run/chainkeeper]
    #[arg(long, global = true, value_name = "FILE")]
    pub socket: Option<PathBuf>,
    /// false: command lines of others are not recorded in events [default: true]
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
          require_equals = true)]
    pub command_lines: Option<bool>,
    /// What `run` does with the chains when it stops [default: keep]
    #[arg(long, global = true, value_enum)]
    pub on_exit: Option<OnExit>,
}

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
    /// These settings where given, else those below.
    fn over(self, below: Settings) -> Settings {
        Settings {
            backend: self.backend.or(below.backend),
            on_backend_change: self.on_backend_change.or(below.on_backend_change),
            sweep: self.sweep.or(below.sweep),
            lock_wait: self.lock_wait.or(below.lock_wait),
            state_file: self.state_file.or(below.state_file),
            dialect: self.dialect.or(below.dialect),
            force_dialect: self.force_dialect.or(below.force_dialect),
            profile: self.profile.or(below.profile),
            family: self.family.or(below.family),
            masquerade_bit: self.masquerade_bit.or(below.masquerade_bit),
            drop_bit: self.drop_bit.or(below.drop_bit),
            make_iptables_util_chains: self
                .make_iptables_util_chains
                .or(below.make_iptables_util_chains),
            jump_position: self.jump_position.or(below.jump_position),
            sync_period: self.sync_period.or(below.sync_period),
            on_exit: self.on_exit.or(below.on_exit),
            watch: self.watch.or(below.watch),
            settle: self.settle.or(below.settle),
            on_conflict: self.on_conflict.or(below.on_conflict),
            yield_for: self.yield_for.or(below.yield_for),
            keep: self.keep.or(below.keep),
            canary_wait: self.canary_wait.or(below.canary_wait),
            socket: self.socket.or(below.socket),
            command_lines: self.command_lines.or(below.command_lines),
        }
    }

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
        })
    }

    fn monitor(&self, sync_period: Duration) -> Result<Rules, ConfigError> {
        let keep = self.keep.as_deref().unwrap_or("all").parse::<Keep>().map_err(|why| {
            ConfigError::new(
                format!("keep: {why}"),
                "write `all`, or tables and chains: nat,filter/KUBE-FIREWALL",
            )
        })?;
        let settle = match self.settle.as_deref().unwrap_or("250ms") {
            "0" => Duration::ZERO,
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

//! What a person may set, and what counts where nothing is set.
use super::places;
use super::{
    BackendChoice, Dialect, FamilyChoice, LogFormat, LogLevel, OnBackendChange, OnConflict, OnExit,
    Position, Profile, Sweep, WatchChoice,
};
use clap::{Args, Command};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a person may set: in the file by these names, in the environment as `CHAINKEEPER_SETTLE` and the like, on
/// the command line with `--`.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize, Serialize)]
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
    /// Which chains are written: all, none, or a list such as nat,filter/KUBE-FIREWALL; `run` watches
    /// the others [default: all]
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
    /// false: connections that began in a gap are not counted after a repair [default: true]
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
          require_equals = true)]
    pub count_flows: Option<bool>,
    /// Sources such as 10.244.0.0/16: connections from there that began in a gap without source
    /// translation are listed and ended, so that they begin anew [default: none]
    #[arg(long, global = true, value_name = "CIDRS")]
    pub heal_flows: Option<String>,
    /// What `run` does with the chains when it stops [default: keep]
    #[arg(long, global = true, value_enum)]
    pub on_exit: Option<OnExit>,
    /// A kubelet's configuration file, of which the two bits count where nothing else sets them, or `none`
    /// [default: none]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubelet_config: Option<PathBuf>,
    /// Where `run` serves /metrics, /livez and /readyz: an address with a port, a port (of 127.0.0.1), or
    /// `none` [default: none]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub metrics_bind_address: Option<String>,
    /// The journal (standard error) for people or for programs [default: auto]
    #[arg(long, global = true, value_enum)]
    pub log_format: Option<LogFormat>,
    /// How much is in the journal [default: info]
    #[arg(long, global = true, value_enum)]
    pub log_level: Option<LogLevel>,
}

impl Settings {
    /// What counts where nothing is set. Every one is there.
    pub fn defaults() -> Settings {
        let text = |text: &str| Some(text.to_owned());
        Settings {
            backend: Some(BackendChoice::default()),
            on_backend_change: Some(OnBackendChange::default()),
            sweep: Some(Sweep::default()),
            lock_wait: text("5s"),
            state_file: Some(places::state_file()),
            dialect: Some(Dialect::default()),
            force_dialect: Some(false),
            profile: Some(Profile::default()),
            family: Some(FamilyChoice::default()),
            masquerade_bit: Some(14),
            drop_bit: Some(15),
            make_iptables_util_chains: Some(true),
            jump_position: Some(Position::default()),
            sync_period: text("1m"),
            watch: Some(WatchChoice::default()),
            settle: text("250ms"),
            on_conflict: Some(OnConflict::default()),
            yield_for: text("1m"),
            keep: text("all"),
            canary_wait: text("130s"),
            socket: Some(places::socket()),
            command_lines: Some(true),
            count_flows: Some(true),
            heal_flows: text("none"),
            on_exit: Some(OnExit::default()),
            kubelet_config: Some("none".into()),
            metrics_bind_address: text("none"),
            log_format: Some(LogFormat::default()),
            log_level: Some(LogLevel::default()),
        }
    }
}

/// What a setting can be, in words.
pub(super) fn values(key: &str) -> String {
    let command = Settings::augment_args(Command::new("settings"));
    let Some(arg) = command.get_arguments().find(|arg| arg.get_long() == Some(key)) else {
        return "`chainkeeper config show` lists all keys".into();
    };
    let possible: Vec<String> =
        arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let kind =
        arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    match (possible.is_empty(), kind) {
        (false, _) => format!("one of {}", possible.join(", ")),
        (true, "BIT") => "a whole number from 0 to 31".into(),
        (true, "TIME") => "a length of time in quotes, such as \"30s\" or \"1m30s\"".into(),
        (true, "FILE") => "a path in quotes, or \"none\"".into(),
        (true, _) => "words in quotes, see `chainkeeper --help`".into(),
    }
}

//! What a person may set, and which of two settings wins.
use super::{
    BackendChoice, Dialect, FamilyChoice, OnBackendChange, OnConflict, OnExit, Position, Profile,
    Sweep, WatchChoice,
};
use clap::Args;
use serde::Deserialize;
use std::path::PathBuf;

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
}

impl Settings {
    /// These settings where given, else those below.
    pub(super) fn over(self, below: Settings) -> Settings {
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
            count_flows: self.count_flows.or(below.count_flows),
            heal_flows: self.heal_flows.or(below.heal_flows),
        }
    }
}

//! Settings become a Config: defaults are filled in, what cannot be is refused.
use super::{
    BackendChoice, Config, ConfigError, Dialect, FamilyChoice, Flows, Layers, OnConflict, Origin,
    Position, Settings,
};
use crate::chains;
use crate::monitor::{Keep, MonitorConfig};
use chainkeeper_conntrack::Cidr;
use chainkeeper_contract::{Family, JumpPosition};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

impl Settings {
    /// Fills in the defaults and refuses what cannot be.
    pub fn check(&self) -> Result<Config, ConfigError> {
        self.agree()?;
        Layers::of(self, |_| Origin::Default)?
            .over(Layers::of(&Settings::defaults(), |_| Origin::Default)?)
            .all()?
            .config()
    }

    /// What is only wrong where it was said, not by default.
    fn agree(&self) -> Result<(), ConfigError> {
        if self.dialect == Some(Dialect::Native) && self.backend == Some(BackendChoice::Legacy) {
            return Err(ConfigError::new(
                "dialect native and backend legacy contradict each other",
                "the dialect is how the nft backend writes: leave one of them out",
            )
            .about(&["dialect", "backend"]));
        }
        // Beside `--dialect xt` it is what a file says of the other dialect.
        if self.force_dialect == Some(true) && self.dialect.is_none() {
            return Err(ConfigError::new(
                "force-dialect is for dialect native",
                "ask for --dialect native too, or leave force-dialect out",
            )
            .about(&["force-dialect"]));
        }
        Ok(())
    }

    /// Of settings that are all there.
    fn config(&self) -> Result<Config, ConfigError> {
        let make_chains = self.make_iptables_util_chains.unwrap_or_default();
        let masquerade_mark = mark("masquerade-bit", self.masquerade_bit.unwrap_or_default())?;
        let drop_mark = mark("drop-bit", self.drop_bit.unwrap_or_default())?;
        if make_chains && masquerade_mark == drop_mark {
            return Err(ConfigError::new(
                "masquerade-bit and drop-bit must be different",
                "give each a bit of its own; kubelet's are 14 and 15",
            )
            .about(&["masquerade-bit", "drop-bit"]));
        }
        let sync_period = length("sync-period", &self.sync_period)?;
        let lock_wait = length("lock-wait", &self.lock_wait)?;
        let monitor = self.monitor(sync_period)?;
        let flows = self.flows()?;
        Ok(Config {
            backend: self.backend.unwrap_or_default(),
            on_backend_change: self.on_backend_change.unwrap_or_default(),
            sweep: self.sweep.unwrap_or_default(),
            lock_wait,
            state_file: named(self.state_file.as_ref()),
            dialect: self.dialect.unwrap_or_default(),
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
            socket: named(self.socket.as_ref()),
            command_lines: self.command_lines.unwrap_or_default(),
            flows,
            metrics: self.metrics()?,
            log_format: self.log_format.unwrap_or_default(),
            log_level: self.log_level.unwrap_or_default(),
        })
    }

    fn flows(&self) -> Result<Flows, ConfigError> {
        let heal = self.heal_flows.as_deref().unwrap_or_default();
        let one = |text: &str| text.trim().parse::<Cidr>();
        let heal = match heal {
            "none" => vec![],
            list => list.split(',').map(one).collect::<Result<_, _>>().map_err(|why| {
                ConfigError::new(
                    format!("heal-flows: {why}"),
                    "write networks of pods, parted by commas",
                )
                .about(&["heal-flows"])
            })?,
        };
        let count = self.count_flows.unwrap_or_default();
        if !count && !heal.is_empty() {
            return Err(ConfigError::new(
                "heal-flows and count-flows = false contradict each other",
                "what is ended is listed first: leave one of them out",
            )
            .about(&["heal-flows", "count-flows"]));
        }
        Ok(Flows { count, heal })
    }

    fn metrics(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let text = self.metrics_bind_address.as_deref().unwrap_or_default();
        let port = |text: &str| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, text.parse().ok()?)));
        let address = || text.parse().ok().or_else(|| port(text.strip_prefix(':').unwrap_or(text)));
        match text {
            "none" => Ok(None),
            _ => address().map(Some).ok_or_else(|| {
                ConfigError::new(
                    format!(
                        "metrics-bind-address `{text}` is neither an address with a port nor a port"
                    ),
                    "write it like 127.0.0.1:9253, [::1]:9253, 0.0.0.0:9253 or 9253",
                )
                .about(&["metrics-bind-address"])
            }),
        }
    }

    fn monitor(&self, sync_period: Duration) -> Result<MonitorConfig, ConfigError> {
        let keep = self.keep.as_deref().unwrap_or_default().parse::<Keep>().map_err(|why| {
            ConfigError::new(
                format!("keep: {why}"),
                "write `all`, `none`, or tables and chains: nat,filter/KUBE-FIREWALL",
            )
            .about(&["keep"])
        })?;
        if let Keep::Only(list) = &keep {
            let unknown =
                |(t, c): &&(_, Option<_>)| c.as_ref().is_some_and(|c| !chains::is_known(*t, c));
            if let Some((table, Some(chain))) = list.iter().find(unknown) {
                return Err(ConfigError::new(
                    format!("keep: no profile keeps {table}/{chain}"),
                    "`chainkeeper render` prints the chains",
                )
                .about(&["keep"]));
            }
        }
        let settle = match self.settle.as_deref() {
            Some("0" | "0s" | "0ms") => Duration::ZERO,
            Some(_) | None => length("settle", &self.settle)?,
        };
        Ok(MonitorConfig {
            settle,
            bound: SETTLE_MOST.max(settle),
            sync_period,
            keep,
            insist: self.on_conflict.unwrap_or_default() == OnConflict::Insist,
            rounds: ROUNDS,
            window: WINDOW,
            yield_for: length("yield-for", &self.yield_for)?,
            canary_wait: length("canary-wait", &self.canary_wait)?,
        })
    }
}

/// A writer that does not come to rest is not waited for any longer.
const SETTLE_MOST: Duration = Duration::from_secs(5);
/// A chain undone so often, each time so soon after our repair, is a fight.
const ROUNDS: u32 = 5;
const WINDOW: Duration = Duration::from_secs(30);

/// A file, unless it is `none`.
fn named(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| path.as_os_str() != "none").cloned()
}

fn length(key: &'static str, text: &Option<String>) -> Result<Duration, ConfigError> {
    let text = text.as_deref().unwrap_or_default();
    humantime::parse_duration(text).ok().filter(|d| !d.is_zero()).ok_or_else(|| {
        ConfigError::new(
            format!("{key} `{text}` is not a length of time"),
            "write it like 30s, 1m or 1m30s; zero is not one",
        )
        .about(&[key])
    })
}

/// Checked even when no chains are made, as kubelet does.
pub(super) fn mark(key: &'static str, bit: i64) -> Result<u32, ConfigError> {
    match u32::try_from(bit) {
        Ok(bit @ 0..=31) => Ok(1 << bit),
        Ok(_) | Err(_) => Err(ConfigError::new(
            format!("{key} {bit} must be between 0 and 31, inclusive"),
            "give it a bit of the mark that nobody else uses; kubelet's are 14 and 15",
        )
        .about(&[key])),
    }
}

//! Settings that are one word of a few.
use chainkeeper_contract::Way;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which chains are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// `full`; beside a kube-proxy the mark-drop rule moves to CHAINKEEPER-DROP
    #[default]
    Auto,
    /// All that kubelet up to 1.24 made, both families, and the hint
    Full,
    /// What kubelet from 1.28 on makes: hint, and the localnet rule for IPv4
    Current,
}

/// Which backend writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendChoice {
    /// The one in which this host's rules are: `chainkeeper probe` says which, and why
    #[default]
    Auto,
    /// nf_tables, in the tables that iptables-nft uses
    Nft,
    /// x_tables, by iptables-legacy
    Legacy,
}

/// How the nft backend puts rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// With xt extensions: every iptables-nft reads it
    #[default]
    Xt,
    /// Only where the kernel has no xt extensions: no iptables-nft reads it
    Native,
}

/// Which families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FamilyChoice {
    /// IPv4 and IPv6
    #[default]
    Both,
    /// IPv4 only
    Ipv4,
    /// IPv6 only
    Ipv6,
}

/// What happens to the chains when `run` stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExit {
    /// Leave them in place
    #[default]
    Keep,
    /// Take out what we made
    Remove,
}

/// What `run` does when others turn out to use the other backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBackendChange {
    /// Stay, and say so
    #[default]
    Warn,
    /// Write there first, then take out what we made here
    Follow,
    /// Stop with exit code 7; the next start chooses anew
    Exit,
}

/// What happens to chains that we left in the other backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sweep {
    /// Take them out once ours are in place, if they are proven ours
    #[default]
    Own,
    /// Leave them
    None,
}

/// Where a jump should stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// Leave a jump that some packets do not reach, and report it
    #[default]
    Keep,
    /// Move it to the first place
    First,
}

/// How `run` hears of what others write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchChoice {
    /// The kernel tells of each commit; it costs those who write many rules a little
    #[default]
    Events,
    /// Ask for the generation number every 100 ms; it costs them nothing
    Poll,
}

impl From<WatchChoice> for Way {
    fn from(choice: WatchChoice) -> Way {
        match choice {
            WatchChoice::Events => Way::Told,
            WatchChoice::Poll => Way::Ask,
        }
    }
}

/// What `run` does about a chain that others keep undoing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// Undone 5 times, each within 30 s of our repair: leave it to them, say so, try again later
    #[default]
    Yield,
    /// Repair it each time
    Insist,
}

/// How the journal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// `journald` where standard error is the journal, else `text`
    #[default]
    Auto,
    /// One line for people
    Text,
    /// One object a line
    Json,
    /// To systemd-journald, with fields
    Journald,
}

/// How much is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// What could not be done
    Error,
    /// And what somebody should look at
    Warn,
    /// And what was done
    #[default]
    Info,
    /// And what was looked at
    Debug,
    /// All
    Trace,
}

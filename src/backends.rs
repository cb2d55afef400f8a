//! Which backends exist, and how one is opened.
use crate::config::{Config, Dialect};
use crate::host;
use crate::sandbox;
use chainkeeper_contract::{Backend, BackendError};
use chainkeeper_legacy::{LegacyBackend, Tools};
use chainkeeper_nft::NftBackend;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// nf_tables, in the tables that iptables-nft uses.
    Nft,
    /// The older x_tables, by iptables-legacy.
    Legacy,
}

impl Kind {
    /// Both.
    pub const ALL: [Kind; 2] = [Kind::Nft, Kind::Legacy];

    /// The other one.
    pub fn other(self) -> Kind {
        match self {
            Kind::Nft => Kind::Legacy,
            Kind::Legacy => Kind::Nft,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Nft => "nft",
            Kind::Legacy => "legacy",
        })
    }
}

/// The version, and which encoder this build writes with: it decides the licence of the binary.
pub const VERSION: &str = if cfg!(feature = "nftnl") {
    concat!(
        env!("CARGO_PKG_VERSION"),
        "\nencoder  nftnl: links libnftnl (GPL-2.0-or-later) and libmnl (LGPL-2.1-or-later)",
        "\nlicence  the source is Apache-2.0, this binary as a whole GPL-3.0-or-later"
    )
} else {
    concat!(
        env!("CARGO_PKG_VERSION"),
        "\nencoder  pure: links neither libnftnl nor libmnl",
        "\nlicence  the source is Apache-2.0, and nothing in this binary is under the GPL"
    )
};

/// Which encoder this build writes with, in one word.
pub const ENCODER: &str = if cfg!(feature = "nftnl") { "nftnl" } else { "pure" };

/// Once true, nothing is waited for any more: the program ends.
pub type Stop = Arc<AtomicBool>;

/// Opens a backend. It works in the network namespace of the thread that uses it.
pub fn open(config: &Config, kind: Kind, stop: &Stop) -> Result<Box<dyn Backend>, BackendError> {
    match kind {
        Kind::Nft => Ok(Box::new(nft(config)?)),
        Kind::Legacy => Ok(Box::new(legacy(config, Tools::find(), stop)?)),
    }
}

/// nf_tables, in the calling thread's network namespace.
pub fn nft(config: &Config) -> Result<NftBackend, BackendError> {
    let dialect = match config.dialect {
        Dialect::Xt => chainkeeper_nft::Dialect::Xt,
        Dialect::Native => chainkeeper_nft::Dialect::Native,
    };
    NftBackend::open(chainkeeper_nft::Setup { dialect, ..chainkeeper_nft::Setup::default() })
}

/// iptables-legacy, by these tools.
pub fn legacy(config: &Config, tools: Tools, stop: &Stop) -> Result<LegacyBackend, BackendError> {
    LegacyBackend::open(chainkeeper_legacy::Setup {
        lock_wait: config.lock_wait,
        stop: Arc::clone(stop),
        shared: |path| sandbox::is_entered() || host::lock_is_shared(path),
        ..chainkeeper_legacy::Setup::with(tools)
    })
}

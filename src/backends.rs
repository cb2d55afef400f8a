//! The one place that knows which backends exist.
use crate::config::{BackendChoice, Config, Dialect};
use chainkeeper_contract::{Backend, BackendError};
use chainkeeper_nft::{NftBackend, Setup};

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

/// Opens the configured backend in the calling thread's network namespace.
pub fn open(config: &Config) -> Result<Box<dyn Backend>, BackendError> {
    let dialect = match config.dialect {
        Dialect::Xt => chainkeeper_nft::Dialect::Xt,
        Dialect::Native => chainkeeper_nft::Dialect::Native,
    };
    match config.backend {
        BackendChoice::Auto | BackendChoice::Nft => {
            let setup = Setup { dialect, ..Setup::default() };
            Ok(Box::new(NftBackend::open(setup)?))
        }
        BackendChoice::Legacy => Err(BackendError::NotBuilt {
            what: "cannot use --backend legacy".into(),
            missing: "this build has no legacy backend yet; --backend nft works on nft hosts"
                .into(),
        }),
    }
}

/// Why that backend, for the journal.
pub fn why(choice: BackendChoice) -> &'static str {
    match choice {
        BackendChoice::Auto => "nft (auto: this build does not probe yet)",
        BackendChoice::Nft => "nft, because --backend asks for it",
        BackendChoice::Legacy => "legacy, because --backend asks for it",
    }
}

//! So many passes in this process and its network namespace, to be counted from outside: by strace, callgrind
//! or perf. The first brings everything in place, each further one is idle. With 0 it only opens the socket:
//! what that takes is to be subtracted.
use anyhow::{Context as _, ensure};
use chainkeeper::config::Settings;
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::CanaryPolicy;
use chainkeeper_nft::netlink::Encoder;
use chainkeeper_nft::{NftBackend, Setup};

fn main() -> anyhow::Result<()> {
    let passes = std::env::args().nth(1).context("usage: passes N")?.parse::<u32>()?;
    let backend = NftBackend::open(Setup { encoder: Encoder::Pure, ..Setup::default() })?;
    let mut keeper = Keeper::new(Box::new(backend), Settings::default().check()?);
    for nth in 1..=passes {
        ensure!(keeper.apply(CanaryPolicy::Write)?.is_well(), "pass {nth} went wrong");
    }
    Ok(())
}

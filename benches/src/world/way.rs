//! The ways to do the job.
use super::{Programs, Raw, feed, kubelet};
use crate::result::Who;
use crate::samples::ms;
use anyhow::ensure;
use chainkeeper::config::{self, Config, Settings};
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::{Backend, CanaryPolicy};
use chainkeeper_legacy::{LegacyBackend, Tools};
use chainkeeper_nft::netlink::Encoder;
use chainkeeper_nft::{Dialect, NftBackend, Setup};
use std::path::PathBuf;

/// Who brings the chains of both families in place, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// In this process, and looked at again.
    Nft(Setup),
    /// In this process, which starts the tools.
    Legacy,
    /// `chainkeeper apply` of this binary, in that backend.
    Process(PathBuf, &'static str),
    /// Kubelet's sequence by the tools with that ending.
    Kubelet(&'static str),
    /// Two restores of the finished text by the tools with that ending.
    Restore(&'static str),
    /// `nft -f` of the nearest native rules.
    NftFile,
    /// The bytes of our own batch, made beforehand and just sent.
    Floor(Vec<u8>),
}

/// One pass.
pub(crate) type Pass = Box<dyn FnMut() -> anyhow::Result<()>>;

impl Way {
    pub(crate) fn who(&self) -> Who {
        match self {
            Way::Nft(_) | Way::Legacy | Way::Process(..) => Who::Ours,
            Way::Kubelet(_) | Way::Restore(_) | Way::NftFile => Who::Theirs,
            Way::Floor(_) => Who::Floor,
        }
    }

    /// What it needs before the clock starts: an open socket, found tools.
    pub(crate) fn open(&self, programs: &Programs) -> anyhow::Result<Pass> {
        let programs = programs.clone();
        Ok(match self.clone() {
            Way::Nft(setup) => pass_of(nft(setup)?),
            Way::Legacy => {
                let tools = chainkeeper_legacy::Setup::with(Tools::find());
                let setup = chainkeeper_legacy::Setup { lock: programs.lock(), ..tools };
                let backend = Box::new(LegacyBackend::open(setup)?);
                pass_of(Keeper::new(backend, Settings::default().check()?))
            }
            Way::Process(binary, backend) => Box::new(move || programs.apply(&binary, backend)),
            Way::Kubelet(ending) => Box::new(move || kubelet(&programs, ending).map(drop)),
            Way::Restore(ending) => Box::new(move || {
                programs.restore("ip", ending, V4)?;
                programs.restore("ip6", ending, V6)
            }),
            Way::NftFile => Box::new(move || feed(&mut programs.command("nft", "-f -")?, NATIVE)),
            Way::Floor(batch) => {
                let mut raw = Raw::open()?;
                Box::new(move || {
                    let answers = raw.send(&batch)?;
                    ensure!(answers > 0, "the kernel said nothing");
                    Ok(())
                })
            }
        })
    }

    /// The floor under a first apply: for a network namespace in which nobody has written yet.
    pub(crate) fn floor_of_first() -> anyhow::Result<Way> {
        super::alone(|| Ok(Way::Floor(Batches::open()?.now()?)))
    }
}

/// Makes the batch that would bring everything in place now, with the generation of now. Always by the same
/// sockets: when a socket is closed, the kernel first
/// destroys what was deleted (`nft_rcv_nl_event`), so that nobody waits for that any more.
pub(crate) struct Batches {
    keeper: Keeper,
    backend: NftBackend,
}

impl Batches {
    pub(crate) fn open() -> anyhow::Result<Batches> {
        let setup = Setup { encoder: Encoder::Pure, ..Setup::default() };
        Ok(Batches { keeper: nft(setup)?, backend: NftBackend::open(setup)? })
    }

    pub(crate) fn now(&mut self) -> anyhow::Result<Vec<u8>> {
        let plan = self.keeper.look(CanaryPolicy::Write)?.plan();
        Ok(self.backend.batch(&plan)?)
    }
}

/// A keeper of everything by this setup, in the calling thread's network namespace.
pub(crate) fn nft(setup: Setup) -> anyhow::Result<Keeper> {
    let dialect = match setup.dialect {
        Dialect::Xt => config::Dialect::Xt,
        Dialect::Native => config::Dialect::Native,
    };
    let config: Config = Settings { dialect: Some(dialect), ..Settings::default() }.check()?;
    let backend: Box<dyn Backend> = Box::new(NftBackend::open(setup)?);
    Ok(Keeper::new(backend, config))
}

fn pass_of(mut keeper: Keeper) -> Pass {
    Box::new(move || placed(&mut keeper).map(drop))
}

/// A pass that also looks again. In ms, from its first question until the kernel has answered that
/// everything is in place: what comes after that keeps no packet waiting.
pub(crate) fn placed(keeper: &mut Keeper) -> anyhow::Result<f64> {
    let pass = keeper.apply(CanaryPolicy::Write)?;
    ensure!(pass.is_well(), "the pass went wrong");
    Ok(ms(pass.took))
}

/// What kubelet's sequence makes, as one text for IPv4.
pub(crate) const V4: &str = include_str!("v4.rules");
/// And for IPv6.
pub(crate) const V6: &str = include_str!("v6.rules");
const NATIVE: &str = include_str!("native.nft");

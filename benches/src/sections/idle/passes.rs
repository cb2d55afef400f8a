//! Who looks, and how long it takes.
use crate::result::Who;
use crate::samples::{Samples, timed};
use crate::world::{Foreign, Pass, Programs, Raw, Way, chainkeeper, succeeds};
use anyhow::{Context as _, ensure};
use chainkeeper_contract::{Backend as _, Way as Watching};
use chainkeeper_nft::netlink::Encoder;
use chainkeeper_nft::{NftBackend, Setup};

/// Who looks whether there is something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doer {
    /// GETGEN, made beforehand and just sent.
    Generation,
    /// Ours, asking whether anything has changed.
    Check,
    /// A pass of ours in process.
    Pass,
    /// `chainkeeper apply`.
    Process(&'static str),
    Kubelet(&'static str),
    /// A save of each family, and grep.
    Grep(&'static str),
}

impl Doer {
    pub(crate) fn of(ending: &'static str) -> Vec<Doer> {
        let mut all = match ending {
            "nft" => vec![Doer::Generation, Doer::Check],
            _ => vec![],
        };
        all.extend([Doer::Pass, Doer::Process(ending), Doer::Kubelet(ending), Doer::Grep(ending)]);
        all
    }

    pub(crate) fn name(self) -> String {
        match self {
            Doer::Generation => "GETGEN alone".into(),
            Doer::Check => "nothing changed?".into(),
            Doer::Pass => "idle pass, in process".into(),
            Doer::Process(_) => "chainkeeper apply".into(),
            Doer::Kubelet(_) => "kubelet's sequence".into(),
            Doer::Grep(ending) => format!("iptables-{ending}-save | grep"),
        }
    }

    pub(crate) fn who(self) -> Who {
        match self {
            Doer::Generation => Who::Floor,
            Doer::Check | Doer::Pass | Doer::Process(_) => Who::Ours,
            Doer::Kubelet(_) | Doer::Grep(_) => Who::Theirs,
        }
    }

    /// In each round.
    fn times(self) -> usize {
        match self {
            Doer::Generation | Doer::Check => 100,
            Doer::Pass => 10,
            Doer::Process(_) | Doer::Kubelet(_) | Doer::Grep(_) => 1,
        }
    }

    fn open(self, ending: &str, programs: &Programs) -> anyhow::Result<Pass> {
        let setup = Setup { encoder: Encoder::Pure, ..Setup::default() };
        match self {
            Doer::Generation => {
                let mut raw = Raw::open()?;
                Ok(Box::new(move || raw.ask(&GETGEN)))
            }
            Doer::Check => {
                let mut watch = NftBackend::open(setup)?.watch(Watching::Ask)?;
                Ok(Box::new(move || {
                    ensure!(watch.next()?.is_none(), "somebody has written");
                    Ok(())
                }))
            }
            Doer::Pass if ending == "nft" => Way::Nft(setup).open(programs),
            Doer::Pass => Way::Legacy.open(programs),
            Doer::Process(backend) => Way::Process(chainkeeper()?, backend).open(programs),
            Doer::Kubelet(ending) => Way::Kubelet(ending).open(programs),
            Doer::Grep(ending) => {
                let programs = programs.clone();
                let save = |l3| format!("{l3}tables-{ending}-save | grep -c KUBE-POSTROUTING");
                let script = format!("{} && {}", save("ip"), save("ip6"));
                Ok(Box::new(move || {
                    let mut shell = programs.command("sh", "-c")?;
                    ensure!(succeeds(shell.arg(&script))?, "nothing was found");
                    Ok(())
                }))
            }
        }
    }
}

/// NFT_MSG_GETGEN for nobody in particular (linux/netfilter/nf_tables.h), little and big endian alike but
/// for the host's order of the header.
static GETGEN: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    let (length, kind, request) = (20u32, 0x0a10u16, 1u16);
    let mut out = length.to_ne_bytes().to_vec();
    out.extend(kind.to_ne_bytes());
    out.extend(request.to_ne_bytes());
    out.resize(20, 0);
    out
});

/// Every way in turn, beside so many rules of others. A round is one `turn`.
pub(crate) fn beside(
    ending: &'static str,
    (foreign, rules): (Foreign, usize),
    quick: bool,
    turn: impl Fn(&mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Samples>> {
    let folder = tempfile::tempdir()?;
    let programs = Programs::new(folder.path());
    let doers = Doer::of(ending);
    let (mut passes, mut all) = (Vec::new(), vec![Samples::default(); doers.len()]);
    turn(&mut || {
        // Kubelet's chains first, so that its sequence finds all it looks for.
        Way::Kubelet(ending).open(&programs)?()?;
        foreign.load(&programs, ending, rules)?;
        programs.apply(&chainkeeper()?, ending)?;
        let opened: anyhow::Result<Vec<Pass>> =
            doers.iter().map(|doer| doer.open(ending, &programs)).collect();
        passes = opened?;
        Ok(())
    })?;
    for round in 0..if quick { 2 } else { 11 } {
        turn(&mut || {
            for ((doer, pass), samples) in doers.iter().zip(&mut passes).zip(&mut all) {
                for _ in 0..doer.times() {
                    let (ms, done) = timed(&mut *pass);
                    done.with_context(|| format!("{doer:?} in round {round}"))?;
                    // The first one warms up.
                    if round > 0 {
                        samples.add(ms);
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(all)
}

//! The trait that nft and legacy implement.
use crate::error::{BackendError, Errno};
use crate::names::{ChainName, Family, Table};
use crate::observed::Snapshot;
use crate::plan::Plan;
use crate::scope::Scope;
use crate::watch::{Watch, Way};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Commits that were made: 0, 1, or 1 of 2 when one family was refused.
    pub commits: u32,
    /// The generation after our commit, where the backend has one and could tell it.
    pub generation: Option<u32>,
    /// Each family apart.
    pub families: BTreeMap<Family, Result<(), BackendError>>,
}

/// Chains that we created, where the chain itself cannot say so.
pub type Created = BTreeSet<(Family, Table, ChainName)>;

/// What a backend holds of others, whatever it is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Survey {
    /// Every table there is, also those that are none of iptables': `ip nat`, `inet firewalld`.
    pub tables: Vec<String>,
    /// Rules in `ip` and `ip6` tables that are neither in a chain of ours nor a jump to one.
    pub rules: BTreeMap<Family, usize>,
    /// Built-in chains with another policy than ACCEPT: `ip filter FORWARD`.
    pub policies: Vec<String>,
}

/// A place where rules live. Blocking; owned by one thread.
///
/// The contract, held to by the conformance suite:
/// 1. `observe` changes nothing, and what it returns is one consistent look (legacy: of each table).
/// 2. `apply` commits the plan of both families as one (legacy: each family, table by table), or says
///    why not; a family that is refused does not take the other with it, and keeps what it had.
/// 3. The plan is that of the last `observe`. If somebody has written since, it is refused as
///    [`BackendError::Busy`], nothing applied.
/// 4. An empty plan sends nothing.
pub trait Backend: Send {
    /// `nft` or `legacy`.
    fn kind(&self) -> &'static str;

    /// Look.
    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError>;

    /// Write.
    fn apply(&mut self, plan: &Plan) -> Result<Applied, BackendError>;

    /// Ask whether the plan would be accepted, without doing it.
    fn validate(&mut self, plan: &Plan) -> Result<Applied, BackendError>;

    /// The generation now, where there is such a thing.
    fn generation(&mut self) -> Result<Option<u32>, BackendError>;

    /// What there is of others, for the choice between backends. Changes nothing; reads everything.
    fn survey(&mut self) -> Result<Survey, BackendError>;

    /// A watch over what others write, in the network namespace of the calling thread. What has no news
    /// to give by itself is asked, whatever the way.
    fn watch(&self, _way: Way) -> Result<Box<dyn Watch>, BackendError> {
        let (what, missing) = ("watch what others write".into(), "news of commits".into());
        Err(BackendError::Unsupported { what, errno: Errno::OPNOTSUPP, missing })
    }

    /// Keeps other writers out from now until [`Backend::unlock`], where there is a way to (the xtables
    /// lock). Between the two, one `observe` is enough for an `apply`.
    fn lock(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    /// Lets other writers in again.
    fn unlock(&mut self) {}

    /// For a backend whose chains carry no mark: these were created by us, as recorded.
    fn recall(&mut self, _created: Created) {}

    /// Of those, and of what was created since: what is still there. `None` where chains carry a mark.
    fn created(&self) -> Option<&Created> {
        None
    }
}

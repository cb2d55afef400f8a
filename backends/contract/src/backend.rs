//! The trait that nft and legacy implement.
use crate::error::BackendError;
use crate::names::Family;
use crate::observed::{Scope, Snapshot};
use crate::plan::Plan;
use std::collections::BTreeMap;

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

/// A place where rules live. Blocking; owned by one thread.
///
/// The contract, held to by the conformance suite:
/// 1. `observe` changes nothing, and what it returns is one consistent look.
/// 2. `apply` commits the plan of both families as one, or says why not; a family that is refused
///    does not take the other with it, and a refused family keeps what it had.
/// 3. A plan made on another generation is refused as [`BackendError::Busy`], nothing applied.
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
}

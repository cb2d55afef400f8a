//! A choice with its reason, or none, and how rows make one.
use super::{Conclusion, words};
use crate::backends::Kind;
use chainkeeper_contract::{ErrorKind, Lack};
use serde::Serialize;
use std::fmt;

/// What a choice rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// `--backend`.
    Asked,
    /// Something of somebody else that was seen, or a kernel that leaves no choice.
    Evidence,
    /// An earlier choice.
    Remembered,
    /// Nothing but what would work.
    Nothing,
}

/// A backend, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Which.
    pub kind: Kind,
    /// The row of the table in `docs/decisions/0005-probing.md`, such as `8b`.
    pub row: &'static str,
    /// Why, in words that a person can check.
    pub why: String,
    /// What it rests on.
    pub basis: Basis,
    /// Whether KUBE-IPTABLES-HINT may be written: it steers every user of iptables-wrappers on the node.
    pub hint: bool,
    /// What a person should know of: a mixed host, an override against the evidence.
    pub warnings: Vec<String>,
    /// Why not the other one.
    pub not_chosen: String,
}

impl Choice {
    /// Both backends were seen to hold rules of others, as its words say.
    pub fn is_mixed(&self) -> bool {
        let mut words = self.warnings.iter().chain([&self.why]);
        words.any(|text| text.starts_with(words::MIXED))
    }
}

/// `nft: KUBE-IPTABLES-HINT is in nf_tables (ip mangle)`.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.why)
    }
}

/// No backend can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoChoice {
    /// The row of the table.
    pub row: &'static str,
    /// What a caller can do about it.
    pub kind: ErrorKind,
    /// What failed.
    pub what: String,
    /// Why.
    pub why: String,
    /// The way out; `None`: that of a missing capability.
    pub remedy: Option<String>,
    /// What would have helped, where it is known.
    pub lack: Option<Lack>,
}

/// No backend.
pub(super) fn none(row: &'static str, kind: ErrorKind, what: &str, why: &str) -> Conclusion {
    let (what, why) = (what.to_owned(), why.to_owned());
    Conclusion::None(NoChoice { row, kind, what, why, remedy: None, lack: None })
}

impl Choice {
    /// A choice whose hint may be written; `not_chosen` follows.
    pub(super) fn new(row: &'static str, kind: Kind, basis: Basis, why: String) -> Choice {
        let (hint, warnings, not_chosen) = (true, Vec::new(), String::new());
        Choice { kind, row, why, basis, hint, warnings, not_chosen }
    }

    pub(super) fn hint(self, hint: bool) -> Choice {
        Choice { hint, ..self }
    }

    pub(super) fn not_chosen(self, not_chosen: String) -> Choice {
        Choice { not_chosen, ..self }
    }

    pub(super) fn warn(mut self, warnings: impl IntoIterator<Item = String>) -> Choice {
        self.warnings.extend(warnings);
        self
    }
}

//! Which backend holds this host's rules: facts in, a choice with its reason out. Pure; `gather` asks.
//!
//! An error is never a "no": what could not be read is `Unknown`, with the words that were said.
mod choice;
mod choose;
pub mod gather;
mod others;
mod seen;
mod words;

pub use choice::{Basis, Choice, NoChoice};
pub use choose::choose;

use crate::backends::Kind;
use crate::config::{BackendChoice, Config, Dialect};
use crate::sight::Held;
use chainkeeper_contract::{Created, ErrorKind, Family, Survey};
use serde::Serialize;
use std::collections::BTreeMap;

/// Yes, no, or not known and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact {
    /// It is so.
    Yes,
    /// It is proven not to be so; the proof in words.
    No(String),
    /// It could not be found out; what was said.
    Unknown(String),
}

impl Fact {
    /// The proof of a no.
    fn no(&self) -> Option<&str> {
        match self {
            Fact::No(why) => Some(why),
            Fact::Yes | Fact::Unknown(_) => None,
        }
    }

    /// Why it is not known.
    fn unknown(&self) -> Option<&str> {
        match self {
            Fact::Unknown(why) => Some(why),
            Fact::Yes | Fact::No(_) => None,
        }
    }
}

/// What nf_tables said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NftFacts {
    /// Does it answer (NFT_MSG_GETGEN)? `No`: EINVAL, EOPNOTSUPP or EPROTONOSUPPORT.
    pub answers: Fact,
    /// It does not because a capability is missing (EPERM).
    pub denied: bool,
    /// Its generation, where it answers.
    pub generation: Option<u32>,
    /// What it holds; empty where it does not answer.
    pub held: BTreeMap<Family, Held>,
    /// All tables and rules; `None` while not asked.
    pub survey: Option<Survey>,
    /// Whether it would take our chains (an unfinished batch, rolled back); `None` while not asked.
    pub dry_run: Option<Fact>,
}

/// What is known of legacy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyFacts {
    /// Tables that exist, by the kernel's own lists (`ip_tables_names`, `ip6_tables_names`); a missing
    /// list is an empty one. `Err`: a list could not be read, and why.
    pub names: Result<BTreeMap<Family, Vec<String>>, String>,
    /// Is the code in the kernel? `Unknown` where a module may be loaded by the first write.
    pub kernel: Fact,
    /// The tools: which, and their version; or what is missing.
    pub tools: Result<String, String>,
    /// Do the capabilities that the tools need (CAP_NET_ADMIN, CAP_NET_RAW) stand?
    pub allowed: Fact,
    /// What it holds (of listed tables); `Err` where tables are listed and could not be read.
    pub held: Result<BTreeMap<Family, Held>, String>,
    /// Where `held` is an error: what a caller can do about it.
    pub unread: ErrorKind,
    /// All tables and rules; `None` while not asked, or where nothing can be read.
    pub survey: Option<Survey>,
    /// Recorded as ours, and seen to be gone: whoever makes them next, they are theirs.
    pub gone: Created,
}

/// What the plain name `iptables` is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostTool {
    /// By its `--version`: `(nf_tables)`, `(legacy)`, or no suffix, which is older than 1.8 and legacy.
    pub kind: Kind,
    /// Path and version, for people: `/usr/sbin/iptables is 1.8.9 (nf_tables)`.
    pub text: String,
}

/// An earlier choice: from the state file, or from chains of ours that are in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remembered {
    /// What was chosen.
    pub kind: Kind,
    /// Whether that choice rested on evidence (then the hint belongs to it).
    pub evidence: bool,
    /// Where it is known from, for people.
    pub from: String,
    /// True for the choice that this very run is acting on.
    pub now: bool,
}

/// Everything that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// nf_tables.
    pub nft: NftFacts,
    /// iptables-legacy.
    pub legacy: LegacyFacts,
    /// The plain `iptables`; `None`: there is none, or it did not say.
    pub host_tool: Option<HostTool>,
    /// An earlier choice.
    pub remembered: Option<Remembered>,
}

static NOTHING: BTreeMap<Family, Held> = BTreeMap::new();

impl Facts {
    /// What a backend holds; nothing where it could not be read, which is for the caller to know.
    pub fn held(&self, kind: Kind) -> &BTreeMap<Family, Held> {
        match kind {
            Kind::Nft if self.nft.answers == Fact::Yes => &self.nft.held,
            Kind::Nft => &NOTHING,
            Kind::Legacy => self.legacy.held.as_ref().unwrap_or(&NOTHING),
        }
    }

    /// Chains of ours are there, proven by a mark or a record.
    pub fn holds_ours(&self, kind: Kind) -> bool {
        self.held(kind).values().any(|held| held.ours > 0)
    }
}

impl LegacyFacts {
    /// Does legacy have any table in this namespace? A list that could not be read lists none.
    pub fn lists_any(&self) -> bool {
        self.names.iter().flat_map(BTreeMap::values).any(|tables| !tables.is_empty())
    }
}

/// A question that costs more than the others, asked only when a row needs its answer. One that could
/// not be answered is not asked again: what was said becomes the fact that could not be read (`answers`
/// of nft, `held` of legacy; an unknown `dry_run`), and the table says what that comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// All tables and rules of both backends.
    Survey,
    /// Whether nf_tables would take our chains.
    DryRun,
}

/// What the facts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// A backend.
    Chosen(Choice),
    /// Ask this first.
    Ask(Question),
    /// None.
    None(NoChoice),
}

/// What was asked for by hand. Only nft has dialects.
pub fn asked(config: &Config) -> Option<Kind> {
    match config.backend {
        BackendChoice::Auto if config.dialect == Dialect::Native => Some(Kind::Nft),
        BackendChoice::Auto => None,
        BackendChoice::Nft => Some(Kind::Nft),
        BackendChoice::Legacy => Some(Kind::Legacy),
    }
}

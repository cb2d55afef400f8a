//! What happens to one packet on the chains of one family, by the kernel's own rules of matching.
//! For statements about outcomes: what is not known for sure is an error, it is never guessed over.
mod packet;

use crate::names::{ChainName, Hook, Table};
use crate::observed::{ChainSeen, Observed, Seen};
use crate::rule::{Action, Cond, Prefix, Rule};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

pub use packet::{Conntrack, Packet, State};

/// Base chain, and the chains below it: NFT_JUMP_STACK_SIZE. nf_tables refuses more with EMLINK.
const MAX_DEPTH: usize = 16;

/// What became of a packet at one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The rule that dropped it; `None` when it passes.
    pub dropped: Option<Spot>,
    /// Its mark afterwards.
    pub mark: u32,
    /// Set when its source was translated.
    pub masquerade: Option<Masquerade>,
}

/// How a source is translated to the outgoing interface's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Masquerade {
    /// The new port is random.
    pub random_fully: bool,
}

/// The place of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its table.
    pub table: Table,
    /// Its chain.
    pub chain: ChainName,
    /// Its index in the chain, from 0.
    pub index: usize,
}

impl fmt::Display for Spot {
    /// Counts rules from 1, as iptables does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} rule {}", self.table, self.chain, self.index + 1)
    }
}

/// Why it cannot be said what happens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// The packet meets a rule that was not read by its meaning.
    #[error("{at} is foreign: {text}")]
    Foreign {
        /// The rule.
        at: Spot,
        /// The rule in words.
        text: String,
    },
    /// A jump to a chain that is not there, or was not read.
    #[error("{at} jumps to {to}, which was not read")]
    NotRead {
        /// The jump.
        at: Spot,
        /// Where it leads.
        to: ChainName,
    },
    /// A loop, or more jumps than the kernel takes.
    #[error("{at} jumps too deep, or in a loop")]
    TooDeep {
        /// The last jump.
        at: Spot,
    },
    /// A rule with an address of the other family.
    #[error("{at} has an address of the other family")]
    OtherFamily {
        /// The rule.
        at: Spot,
    },
    /// A translation where the kernel takes none.
    #[error("{at} masquerades, which only nat POSTROUTING can")]
    Misplaced {
        /// The rule.
        at: Spot,
    },
    /// A base chain of another type, hook or priority than iptables': its turn is not known.
    #[error("{table} {chain} is not the base chain of iptables: {text}")]
    OddBase {
        /// Its table.
        table: Table,
        /// Its name.
        chain: ChainName,
        /// Its definition.
        text: String,
    },
    /// Source and destination are of two families.
    #[error("no packet goes from {source_} to {destination}")]
    MixedPacket {
        /// The packet's source. (thiserror takes `source` for a cause.)
        source_: IpAddr,
        /// The packet's destination.
        destination: IpAddr,
    },
}

/// Sends a packet through the base chains of one hook.
///
/// Four things [`Observed`] does not tell are taken for granted: the policy of base chains is accept; they
/// were read to their end (looked at with [`crate::Scope::references`], or without a chain we jump to);
/// every chain that a rule jumps to was in the scope with its rules, not for its presence only; and no
/// other table (raw, security, somebody's own) has a say.
pub fn trace(seen: &Observed, hook: Hook, packet: &Packet) -> Result<Outcome, TraceError> {
    let (source, destination) = (packet.source, packet.destination);
    if source.is_ipv4() != destination.is_ipv4() {
        return Err(TraceError::MixedPacket { source_: source, destination });
    }
    let mut packet = *packet;
    let mut masquerade = None;
    for table in order(hook) {
        let Some(found) = seen.tables.get(&table).filter(|t| !t.dormant) else { continue };
        for (name, chain) in &found.chains {
            if let Some(base) = chain.base.as_ref().filter(|b| !b.standard) {
                let (chain, text) = (name.clone(), base.text.clone());
                return Err(TraceError::OddBase { table, chain, text });
            }
        }
        let name = hook.chain();
        let Some(base) = found.chains.get(&name).filter(|c| c.base.is_some()) else { continue };
        if table == Table::Nat && !packet.conntrack.meets_nat() {
            continue;
        }
        let mut walk = Walk { chains: &found.chains, table, hook, packet };
        let end = walk.chain(&name, base, 1)?;
        packet = walk.packet;
        match end {
            End::Returned => {}
            End::Masqueraded(how) => masquerade = Some(how),
            End::Dropped(at) => {
                return Ok(Outcome { dropped: Some(at), mark: packet.mark, masquerade });
            }
        }
    }
    Ok(Outcome { dropped: None, mark: packet.mark, masquerade })
}

/// iptables' priorities: mangle -150, filter 0; nat -100 in OUTPUT, else 100.
fn order(hook: Hook) -> [Table; 3] {
    match hook {
        Hook::Output => [Table::Mangle, Table::Nat, Table::Filter],
        Hook::Input | Hook::Postrouting => [Table::Mangle, Table::Filter, Table::Nat],
    }
}

/// How a chain ends for the packet.
enum End {
    /// At its end or by a return: to the caller, or to the policy.
    Returned,
    Masqueraded(Masquerade),
    Dropped(Spot),
}

struct Walk<'a> {
    chains: &'a BTreeMap<ChainName, ChainSeen>,
    table: Table,
    hook: Hook,
    packet: Packet,
}

impl Walk<'_> {
    fn chain(
        &mut self,
        name: &ChainName,
        chain: &ChainSeen,
        depth: usize,
    ) -> Result<End, TraceError> {
        let table = self.table;
        for (index, rule) in chain.rules.iter().enumerate() {
            let at = || Spot { table, chain: name.clone(), index };
            let rule = match &rule.seen {
                Seen::Known(rule) => rule,
                Seen::Foreign(outline) => {
                    return Err(TraceError::Foreign { at: at(), text: outline.text.clone() });
                }
            };
            if self.meets(rule, at)?
                && let Some(end) = self.act(&rule.action, at, depth)?
            {
                return Ok(end);
            }
        }
        Ok(End::Returned)
    }

    fn meets(&self, rule: &Rule, at: impl Fn() -> Spot) -> Result<bool, TraceError> {
        let other_family = |p: &Cond<Prefix>| p.value.addr.is_ipv4() != self.packet.is_ipv4();
        let addresses = [&rule.matches.source, &rule.matches.destination];
        match addresses.into_iter().flatten().any(other_family) {
            true => Err(TraceError::OtherFamily { at: at() }),
            false => Ok(self.packet.meets(&rule.matches)),
        }
    }

    /// How the chain ends with this action; `None` where the packet goes on to the next rule.
    fn act(
        &mut self,
        action: &Action,
        at: impl Fn() -> Spot,
        depth: usize,
    ) -> Result<Option<End>, TraceError> {
        match action {
            Action::Drop => Ok(Some(End::Dropped(at()))),
            Action::Return => Ok(Some(End::Returned)),
            Action::Mark { value, mask } => {
                self.packet.mark = (self.packet.mark & !mask) ^ value;
                Ok(None)
            }
            Action::Masquerade { random_fully } => {
                if (self.table, self.hook) != (Table::Nat, Hook::Postrouting) {
                    return Err(TraceError::Misplaced { at: at() });
                }
                Ok(Some(End::Masqueraded(Masquerade { random_fully: *random_fully })))
            }
            Action::Jump(_) if depth == MAX_DEPTH => Err(TraceError::TooDeep { at: at() }),
            Action::Jump(to) => {
                let Some(target) = self.chains.get(to) else {
                    return Err(TraceError::NotRead { at: at(), to: to.clone() });
                };
                match self.chain(to, target, depth + 1)? {
                    End::Returned => Ok(None),
                    end @ (End::Masqueraded(_) | End::Dropped(_)) => Ok(Some(end)),
                }
            }
        }
    }
}

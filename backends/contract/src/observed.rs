//! What the kernel holds of the chains that concern us.
use crate::error::BackendError;
use crate::names::{ChainName, Family, Handle, Table};
use crate::rule::{Action, Rule};
use std::collections::BTreeMap;

/// Where a rule sends a packet that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum End {
    /// On to the next rule.
    Next,
    /// NF_ACCEPT: the packet leaves this hook's chain.
    Accept,
    /// NF_DROP.
    Drop,
    /// Back to the caller.
    Return,
    /// Into a chain and back.
    Jump(ChainName),
    /// Into a chain, then back to the caller of this one.
    Goto(ChainName),
    /// Something else that ends the walk (REJECT, MASQUERADE, a queue), by its name.
    Other(String),
    /// Something that we cannot judge, by its name.
    Unknown(String),
}

/// The little that has to be known of a rule that is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Outline {
    /// False when every packet matches.
    pub conditional: bool,
    /// True when it changes the packet or its mark on the way.
    pub alters: bool,
    /// Where it sends the packet.
    pub end: End,
    /// The rule in words, for people.
    pub text: String,
}

impl Outline {
    /// The outline of a rule that we can read.
    pub fn of(rule: &Rule) -> Outline {
        let (alters, end) = match &rule.action {
            Action::Drop => (false, End::Drop),
            Action::Return => (false, End::Return),
            Action::Jump(to) => (false, End::Jump(to.clone())),
            Action::Mark { .. } => (true, End::Next),
            Action::Masquerade { .. } => (true, End::Other("MASQUERADE".into())),
        };
        let conditional = !rule.matches.is_empty();
        Outline { conditional, alters, end, text: rule.to_string() }
    }

    /// True when the rule can change what happens to a packet at all.
    pub fn matters(&self) -> bool {
        self.alters || self.end != End::Next
    }
}

/// A rule as seen: read by its meaning, or kept as foreign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Raised to a meaning. Not necessarily ours.
    Known(Rule),
    /// Not readable as one of our kind; never equal to anything, never touched.
    Foreign(Outline),
}

/// What a rule has counted since it was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that it met.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One rule in its place. Equal to another when it is the same rule, whatever either has counted: a packet
/// changes nothing that we could want.
#[derive(Debug, Clone)]
pub struct RuleSeen {
    /// The kernel's number for it.
    pub handle: Handle,
    /// What it says.
    pub seen: Seen,
    /// True where every iptables-nft gives up the table because of it.
    pub unreadable: bool,
    /// What it has counted; `None` where it has no counter or the backend did not read it.
    pub counters: Option<Counters>,
}

impl PartialEq for RuleSeen {
    fn eq(&self, other: &RuleSeen) -> bool {
        let RuleSeen { handle, seen, unreadable, counters: _ } = self;
        (*handle, *unreadable) == (other.handle, other.unreadable) && *seen == other.seen
    }
}

impl Eq for RuleSeen {}

impl RuleSeen {
    /// The meaning, if it could be read.
    pub fn rule(&self) -> Option<&Rule> {
        match &self.seen {
            Seen::Known(rule) => Some(rule),
            Seen::Foreign(_) => None,
        }
    }

    /// The chain that it jumps to.
    pub fn jumps_to(&self) -> Option<&ChainName> {
        match &self.seen {
            Seen::Known(Rule { action: Action::Jump(to), .. })
            | Seen::Foreign(Outline { end: End::Jump(to), .. }) => Some(to),
            Seen::Known(_) | Seen::Foreign(_) => None,
        }
    }

    /// The outline, of any rule.
    pub fn outline(&self) -> Outline {
        match &self.seen {
            Seen::Known(rule) => Outline::of(rule),
            Seen::Foreign(outline) => outline.clone(),
        }
    }
}

/// The definition of a base chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseChain {
    /// True when type, hook number and priority are those of iptables' built-in chain of this name.
    pub standard: bool,
    /// The definition in words, for people: `type nat hook 4 priority 100`.
    pub text: String,
}

/// A chain as seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainSeen {
    /// The kernel's number for it.
    pub handle: Handle,
    /// Set when it is a base chain.
    pub base: Option<BaseChain>,
    /// True when it carries our mark: we created this very chain object.
    pub ours: bool,
    /// Its rules in order; empty where only presence was asked for.
    pub rules: Vec<RuleSeen>,
}

impl ChainSeen {
    /// Where its rules jump to, and which of them, in order.
    pub(crate) fn jumps(&self) -> BTreeMap<&ChainName, Vec<usize>> {
        let mut jumps: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, rule) in self.rules.iter().enumerate() {
            if let Some(Rule { action: Action::Jump(to), .. }) = rule.rule() {
                jumps.entry(to).or_default().push(place);
            }
        }
        jumps
    }
}

/// A table as seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSeen {
    /// NFT_TABLE_F_DORMANT: its base chains hook nothing.
    pub dormant: bool,
    /// The netlink port that owns it exclusively (NFTA_TABLE_OWNER); we cannot write to it then.
    pub owner: Option<u32>,
    /// The chains of the scope that exist, and those that the walk had to read.
    pub chains: BTreeMap<ChainName, ChainSeen>,
    /// Rules anywhere in the table that jump to a chain of the scope ([`crate::Scope::references`] only).
    pub references: Vec<Reference>,
    /// True when reading stopped at [`crate::WALK_LIMIT`] rules.
    pub truncated: bool,
    /// A rule of somebody else that iptables-nft would read if no other kept it from reading the table
    /// ([`crate::Scope::neighbours`] only).
    pub neighbour: Option<String>,
    /// True when a rule anywhere in the table keeps iptables-nft from reading it (as `neighbour`).
    pub hidden: bool,
}

/// A rule that jumps or goes to one of our chains.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Reference {
    /// The chain the rule stands in.
    pub from: ChainName,
    /// The rule's handle.
    pub handle: Handle,
    /// The chain it needs.
    pub to: ChainName,
    /// The rule in words.
    pub text: String,
}

/// One family as seen. A table that is absent does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Tables that exist.
    pub tables: BTreeMap<Table, TableSeen>,
}

impl Observed {
    /// The chain of that name, if it exists.
    pub fn chain(&self, table: Table, name: &ChainName) -> Option<&ChainSeen> {
        self.tables.get(&table)?.chains.get(name)
    }
}

/// Everything seen in one consistent look.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// nf_tables generation at that moment; `None` where the backend has none.
    pub generation: Option<u32>,
    /// Each family apart: one may fail while the other is well.
    pub families: BTreeMap<Family, Result<Observed, BackendError>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_has_counted_makes_it_no_other_rule() {
        let rule = RuleSeen {
            handle: Handle(1),
            seen: Seen::Known(Rule::new(Action::Drop)),
            unreadable: false,
            counters: None,
        };
        let counters = Some(Counters { packets: 1, bytes: 60 });
        assert_eq!(RuleSeen { counters, ..rule.clone() }, rule);
        assert_ne!(RuleSeen { handle: Handle(2), ..rule.clone() }, rule);
        assert_ne!(RuleSeen { unreadable: true, ..rule.clone() }, rule);
        let seen = Seen::Known(Rule::new(Action::Return));
        assert_ne!(RuleSeen { seen, ..rule.clone() }, rule);
    }
}

//! The names of the field: family, table, hook, chain, handle.
use std::borrow::Borrow;
use std::fmt;

/// An address family. `ip` and `ip6` are separate worlds in nf_tables; `inet` is never ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Family {
    /// nf_tables `ip`, NFPROTO_IPV4.
    Ipv4,
    /// nf_tables `ip6`, NFPROTO_IPV6.
    Ipv6,
}

impl Family {
    /// Both families, in the order kubelet handles them.
    pub const ALL: [Family; 2] = [Family::Ipv4, Family::Ipv6];

    /// The name nft gives it: `ip` or `ip6`.
    pub fn nft_name(self) -> &'static str {
        match self {
            Family::Ipv4 => "ip",
            Family::Ipv6 => "ip6",
        }
    }

    /// Width of an address in bits: 32 or 128.
    pub fn address_bits(self) -> u8 {
        match self {
            Family::Ipv4 => 32,
            Family::Ipv6 => 128,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.nft_name())
    }
}

/// A table that we write to. Declared in the order iptables-save prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Table {
    /// Packet alteration; holds the hint and a canary.
    Mangle,
    /// Drop rules.
    Filter,
    /// Mark chains and masquerading.
    Nat,
}

impl Table {
    /// Every table that chainkeeper knows.
    pub const ALL: [Table; 3] = [Table::Mangle, Table::Filter, Table::Nat];

    /// `mangle`, `filter` or `nat`.
    pub fn name(self) -> &'static str {
        match self {
            Table::Mangle => "mangle",
            Table::Filter => "filter",
            Table::Nat => "nat",
        }
    }

    /// The table of that name, if it is one of ours.
    pub fn from_name(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|t| t.name() == name)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A built-in chain that we jump from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "UPPERCASE"))]
pub enum Hook {
    /// Packets for this host.
    Input,
    /// Packets of this host.
    Output,
    /// Packets about to leave.
    Postrouting,
}

impl Hook {
    /// The built-in chain's name, upper case as iptables has it.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Input => "INPUT",
            Hook::Output => "OUTPUT",
            Hook::Postrouting => "POSTROUTING",
        }
    }

    /// The chain name as a [`ChainName`].
    pub fn chain(self) -> ChainName {
        ChainName::from(self.name())
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A chain's name. Kernel limit 255 bytes; iptables itself creates at most 28.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct ChainName(String);

impl ChainName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True of the names that nobody else uses, so they prove who made the chain: our mark does not outlive
    /// `iptables-save | iptables-restore`, a name does.
    pub fn is_ours_alone(&self) -> bool {
        self.0.starts_with("CHAINKEEPER-")
    }
}

impl From<&str> for ChainName {
    fn from(name: &str) -> Self {
        ChainName(name.to_owned())
    }
}

impl Borrow<str> for ChainName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The kernel's number for a rule or a chain, unique within one table. Legacy has none: there it is the
/// rule's number in its chain, from 1 as `--line-numbers` counts, and good for one look only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Handle(pub u64);

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handle {}", self.0)
    }
}

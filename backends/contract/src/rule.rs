//! A rule by its meaning: what it matches and what it does. No encoding, no text.
use crate::names::ChainName;
use std::net::IpAddr;

/// A condition that can be turned round, as iptables does with `!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Cond<T> {
    /// True when the packet must *not* match.
    pub negated: bool,
    /// What is compared.
    pub value: T,
}

impl<T> Cond<T> {
    /// The packet must match.
    pub fn is(value: T) -> Self {
        Cond { negated: false, value }
    }

    /// The packet must not match.
    pub fn not(value: T) -> Self {
        Cond { negated: true, value }
    }
}

/// An address prefix. Host bits are zero (kept so by [`Prefix::new`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Prefix {
    /// The network address.
    pub addr: IpAddr,
    /// Its length in bits, 0..=32 or 0..=128.
    pub len: u8,
}

impl Prefix {
    /// A prefix with its host bits cleared; `None` when `len` is wider than the address.
    pub fn new(addr: IpAddr, len: u8) -> Option<Prefix> {
        let addr = match addr {
            IpAddr::V4(a) if len <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
                IpAddr::V4((u32::from(a) & mask).into())
            }
            IpAddr::V6(a) if len <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
                IpAddr::V6((u128::from(a) & mask).into())
            }
            IpAddr::V4(_) | IpAddr::V6(_) => return None,
        };
        Some(Prefix { addr, len })
    }
}

/// A mark test: `(mark & mask) == value`, as xt_mark revision 1 does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Mark {
    /// Compared with the masked mark.
    pub value: u32,
    /// Bits of the packet mark that count.
    pub mask: u32,
}

/// A set of conntrack states, bits as in `linux/netfilter/xt_conntrack.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct CtStates(pub u16);

impl CtStates {
    /// XT_CONNTRACK_STATE_INVALID.
    pub const INVALID: u16 = 0x01;
    /// XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED).
    pub const ESTABLISHED: u16 = 0x02;
    /// XT_CONNTRACK_STATE_BIT(IP_CT_RELATED).
    pub const RELATED: u16 = 0x04;
    /// XT_CONNTRACK_STATE_BIT(IP_CT_NEW).
    pub const NEW: u16 = 0x08;
    /// XT_CONNTRACK_STATE_SNAT.
    pub const SNAT: u16 = 0x40;
    /// XT_CONNTRACK_STATE_DNAT.
    pub const DNAT: u16 = 0x80;
    /// XT_CONNTRACK_STATE_UNTRACKED.
    pub const UNTRACKED: u16 = 0x100;

    /// Names in the order in which libxt_conntrack prints them.
    pub(crate) const NAMES: [(u16, &'static str); 7] = [
        (Self::INVALID, "INVALID"),
        (Self::NEW, "NEW"),
        (Self::RELATED, "RELATED"),
        (Self::ESTABLISHED, "ESTABLISHED"),
        (Self::UNTRACKED, "UNTRACKED"),
        (Self::SNAT, "SNAT"),
        (Self::DNAT, "DNAT"),
    ];

    /// Every bit that has a name.
    pub const KNOWN: u16 = 0x1cf;
}

/// Everything a rule asks of a packet; `None` means "any".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Matches {
    /// Source address.
    pub source: Option<Cond<Prefix>>,
    /// Destination address.
    pub destination: Option<Cond<Prefix>>,
    /// Packet mark.
    pub mark: Option<Cond<Mark>>,
    /// Conntrack state (`--ctstate`).
    pub ctstate: Option<Cond<CtStates>>,
}

impl Matches {
    /// True when every packet matches.
    pub fn is_empty(&self) -> bool {
        *self == Matches::default()
    }
}

/// What a rule does with a packet that matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Action {
    /// NF_DROP.
    Drop,
    /// NFT_RETURN: back to the calling chain.
    Return,
    /// NFT_JUMP to a user chain of the same table.
    Jump(ChainName),
    /// new mark = (old & !mask) ^ value; `--or-mark V` is `{V, V}`, `--xor-mark V` is `{V, 0}`.
    Mark {
        /// Exclusive-ored in.
        value: u32,
        /// Cleared first.
        mask: u32,
    },
    /// Source translation to the outgoing interface's address.
    Masquerade {
        /// NF_NAT_RANGE_PROTO_RANDOM_FULLY.
        random_fully: bool,
    },
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Rule {
    /// Which packets.
    pub matches: Matches,
    /// What happens to them.
    pub action: Action,
    /// `-m comment`, at most 255 bytes. Part of the identity, as it is for `iptables -C`.
    pub comment: Option<String>,
}

impl Rule {
    /// A rule for every packet, without a comment.
    pub fn new(action: Action) -> Rule {
        Rule { matches: Matches::default(), action, comment: None }
    }

    /// The same rule with a comment.
    #[must_use]
    pub fn comment(mut self, text: &str) -> Rule {
        self.comment = Some(text.to_owned());
        self
    }

    /// The same rule with these matches.
    #[must_use]
    pub fn when(mut self, matches: Matches) -> Rule {
        self.matches = matches;
        self
    }

    /// Equal for the purpose of "is it there": `--random-fully` is not looked at, because an older
    /// iptables of somebody else writes the same rule without it and would only be fought.
    pub fn means(&self, other: &Rule) -> bool {
        let same_action = match (&self.action, &other.action) {
            (Action::Masquerade { .. }, Action::Masquerade { .. }) => true,
            (a, b) => a == b,
        };
        same_action && self.matches == other.matches && self.comment == other.comment
    }

    /// The same rule but for the *bit*: one program was told another masquerade or drop bit.
    pub(crate) fn differs_only_in_bit(&self, other: &Rule) -> bool {
        match (bit_of(self), bit_of(other)) {
            (Some(mine), Some(theirs)) if mine != theirs => rest(self, mine) == rest(other, theirs),
            (Some(_) | None, Some(_) | None) => false,
        }
    }

    /// The bit, and what has to be the same where nothing else differs.
    pub(crate) fn but_for_bit(&self) -> Option<(u32, (bool, Rule))> {
        bit_of(self).map(|bit| (bit, rest(self, bit)))
    }
}

/// The one mark bit a rule is about, if it is about exactly one.
fn bit_of(rule: &Rule) -> Option<u32> {
    let bit = match (&rule.action, &rule.matches.mark) {
        (Action::Mark { value, .. }, None) => *value,
        (_, Some(mark)) if mark.value.value == mark.value.mask => mark.value.mask,
        (_, _) => return None,
    };
    bit.is_power_of_two().then_some(bit)
}

/// All but the bit, and what is done with it.
fn rest(rule: &Rule, bit: u32) -> (bool, Rule) {
    (sets(rule, bit), without_bit(rule, bit))
}

/// Tells setting a bit (`--or-mark`) from turning it (`--xor-mark`).
fn sets(rule: &Rule, bit: u32) -> bool {
    matches!(&rule.action, Action::Mark { mask, .. } if mask & bit != 0)
}

fn without_bit(rule: &Rule, bit: u32) -> Rule {
    let mut plain = rule.clone();
    if let Action::Mark { value, mask } = &mut plain.action {
        *value &= !bit;
        *mask &= !bit;
    }
    if let Some(mark) = &mut plain.matches.mark {
        mark.value = Mark { value: mark.value.value & !bit, mask: mark.value.mask & !bit };
    }
    plain
}

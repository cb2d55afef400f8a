//! A packet as one hook meets it, and what a rule sees of it.
use crate::rule::{Cond, CtStates, Matches, Prefix};
use std::net::IpAddr;

/// A packet at one hook, with the addresses it has there, before or after translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Source address, of the same family as the destination.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// The packet's mark.
    pub mark: u32,
    /// What conntrack knows of it.
    pub conntrack: Conntrack,
}

/// A packet's conntrack entry, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conntrack {
    /// No entry: conntrack could make nothing of it.
    Invalid,
    /// No entry: told not to look (`-j CT --notrack`).
    Untracked,
    /// An entry.
    Entry {
        /// Where the connection stands.
        state: State,
        /// nat has not decided yet at this end of the connection (IPS_SRC_NAT_DONE after INPUT and
        /// POSTROUTING, IPS_DST_NAT_DONE after OUTPUT), so its chains are asked. One packet is
        /// enough: the next may be NEW as well, and is not `first`; nor is an ICMP error.
        first: bool,
        /// IPS_SRC_NAT: the connection's source is translated.
        snat: bool,
        /// IPS_DST_NAT: the connection's destination is translated.
        dnat: bool,
    },
}

/// The state of a connection, for a packet of either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// No reply was seen.
    New,
    /// Both directions were seen.
    Established,
    /// An ICMP error about a connection, or the start of one that another announced.
    Related,
}

impl Conntrack {
    /// The bits that `--ctstate` looks at, as `conntrack_mt` of xt_conntrack.c puts them together.
    pub fn bits(self) -> u16 {
        match self {
            Conntrack::Invalid => CtStates::INVALID,
            Conntrack::Untracked => CtStates::UNTRACKED,
            Conntrack::Entry { state, snat, dnat, .. } => {
                let state = match state {
                    State::New => CtStates::NEW,
                    State::Established => CtStates::ESTABLISHED,
                    State::Related => CtStates::RELATED,
                };
                let bit = |set, bit| if set { bit } else { 0 };
                state | bit(snat, CtStates::SNAT) | bit(dnat, CtStates::DNAT)
            }
        }
    }

    /// True when the nat chains are asked, as `nf_nat_inet_fn` decides it.
    pub(super) fn meets_nat(self) -> bool {
        match self {
            Conntrack::Invalid | Conntrack::Untracked => false,
            Conntrack::Entry { state: State::New | State::Related, first, .. } => first,
            Conntrack::Entry { state: State::Established, .. } => false,
        }
    }
}

impl Packet {
    pub(super) fn is_ipv4(&self) -> bool {
        self.source.is_ipv4()
    }

    /// True when every condition holds.
    pub(super) fn meets(&self, matches: &Matches) -> bool {
        let within = |addr, prefix: &Prefix| Prefix::new(addr, prefix.len) == Some(*prefix);
        holds(&matches.source, |prefix| within(self.source, prefix))
            && holds(&matches.destination, |prefix| within(self.destination, prefix))
            && holds(&matches.mark, |mark| self.mark & mark.mask == mark.value)
            && holds(&matches.ctstate, |states| self.conntrack.bits() & states.0 != 0)
    }
}

fn holds<T>(cond: &Option<Cond<T>>, is: impl FnOnce(&T) -> bool) -> bool {
    cond.as_ref().is_none_or(|cond| is(&cond.value) != cond.negated)
}

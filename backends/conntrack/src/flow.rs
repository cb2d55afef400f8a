//! One connection, as its first packet was sent.
use crate::uapi as u;
use chainkeeper_contract::Family;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

/// A connection that the kernel tracks, in its original direction: before any translation, so that the
/// destination may be that of a service. Only [`crate::Conntrack`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Of its addresses.
    pub family: Family,
    /// What it speaks.
    pub protocol: Protocol,
    /// Who began it.
    pub source: IpAddr,
    /// To whom it was sent.
    pub destination: IpAddr,
    /// Source and destination port, where the protocol has such.
    pub ports: Option<(u16, u16)>,
    /// CTA_ID: a hash of where the kernel keeps it and of its addresses, the same for as long as it
    /// lives. A later connection with the same addresses and ports often gets the same, since freed memory
    /// is used again.
    pub id: u32,
    /// When its first packet had passed all hooks, by the wall clock of that moment; `None` if nobody
    /// wrote it down.
    pub start: Option<SystemTime>,
    /// The attributes in CTA_TUPLE_ORIG as the kernel sent them, never empty: it finds by them what it
    /// listed, whatever the protocol.
    pub(crate) tuple: Box<[u8]>,
    /// CTA_ZONE, where it is not 0.
    pub(crate) zone: Option<u16>,
}

/// A protocol by its number in the IP header (IPPROTO_*, `linux/in.h`). As text `tcp` and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// `tcp` and the like, for a protocol that conntrack knows more of than its number.
    pub fn name(self) -> Option<&'static str> {
        u::PROTOCOLS.iter().find(|p| p.0 == self.0).map(|p| p.1)
    }

    /// True when its connections have ports.
    pub(crate) fn has_ports(self) -> bool {
        u::PROTOCOLS.iter().any(|p| p.0 == self.0 && p.2)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("protocol-{}", self.0)),
        }
    }
}

impl fmt::Display for Flow {
    /// `tcp 10.0.0.2:4711 -> 192.0.2.1:80`, `icmp 10.0.0.2 -> 192.0.2.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, source, destination) = (self.protocol, self.source, self.destination);
        match self.ports {
            Some((from, to)) => {
                let (from, to) = (SocketAddr::new(source, from), SocketAddr::new(destination, to));
                write!(f, "{protocol} {from} -> {to}")
            }
            None => write!(f, "{protocol} {source} -> {destination}"),
        }
    }
}

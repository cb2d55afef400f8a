//! Bytes to values. Safe and total: any bytes give a value or [`Malformed`], never a panic.
use crate::flow::{Flow, Protocol};
use crate::uapi as u;
use chainkeeper_contract::Family;
use chainkeeper_nft::netlink::{Attr, Attrs, Malformed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

#[cfg(test)]
mod tests;

/// A connection as dumped. Borrows, since most are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) family: Family,
    /// As its first packet was sent.
    pub(crate) original: Tuple<'a>,
    /// As answers come in: from where it really ends to whom they are for.
    pub(crate) reply: Tuple<'a>,
    /// IPS_*.
    pub(crate) status: u32,
    pub(crate) id: u32,
    pub(crate) zone: Option<u16>,
    pub(crate) start: Option<SystemTime>,
}

/// Addresses and ports of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tuple<'a> {
    raw: &'a [u8],
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    protocol: Protocol,
    ports: Option<(u16, u16)>,
}

impl Entry<'_> {
    /// What is kept of it.
    pub(crate) fn flow(&self) -> Flow {
        let Tuple { raw, source, destination, protocol, ports } = self.original;
        let (family, id, start, zone) = (self.family, self.id, self.start, self.zone);
        let tuple = raw.into();
        Flow { family, protocol, source, destination, ports, id, start, tuple, zone }
    }
}

/// Reads IPCTNL_MSG_CT_NEW; `None` for a family that is neither IPv4 nor IPv6.
pub(crate) fn entry(family: u8, attrs: &[u8]) -> Result<Option<Entry<'_>>, Malformed> {
    let family = match family {
        u::NFPROTO_IPV4 => Family::Ipv4,
        u::NFPROTO_IPV6 => Family::Ipv6,
        _ => return Ok(None),
    };
    let (mut original, mut reply, mut status, mut id) = (None, None, None, None);
    let (mut zone, mut start) = (None, None);
    for attr in Attrs::new(attrs) {
        let attr = attr?;
        match attr.kind {
            u::CTA_TUPLE_ORIG => original = Some(tuple(family, &attr)?),
            u::CTA_TUPLE_REPLY => reply = Some(tuple(family, &attr)?),
            u::CTA_STATUS => status = Some(attr.u32()?),
            u::CTA_ID => id = Some(attr.u32()?),
            u::CTA_ZONE => zone = Some(u16::from_be_bytes(fixed(&attr)?)),
            u::CTA_TIMESTAMP => start = started(&attr)?,
            _ => {}
        }
    }
    let whole = original.zip(reply).zip(status.zip(id));
    let ((original, reply), (status, id)) =
        whole.ok_or(Malformed("a connection lacks a direction, its status or its number"))?;
    Ok(Some(Entry { family, original, reply, status, id, zone, start }))
}

/// Reads the answer to IPCTNL_MSG_CT_GET_STATS: how many connections there are.
pub(crate) fn entries(attrs: &[u8]) -> Result<u32, Malformed> {
    for attr in Attrs::new(attrs) {
        let attr = attr?;
        if attr.kind == u::CTA_STATS_GLOBAL_ENTRIES {
            return attr.u32();
        }
    }
    Err(Malformed("nothing says how many connections there are"))
}

fn tuple<'a>(family: Family, attr: &Attr<'a>) -> Result<Tuple<'a>, Malformed> {
    let (mut addresses, mut layer4) = ((None, None), None);
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            u::CTA_TUPLE_IP => addresses = ends(family, &attr)?,
            u::CTA_TUPLE_PROTO => layer4 = Some(protocol(&attr)?),
            _ => {}
        }
    }
    let whole = addresses.0.zip(addresses.1).zip(layer4);
    let ((source, destination), (protocol, ports)) =
        whole.ok_or(Malformed("a direction of a connection lacks an address or its protocol"))?;
    Ok(Tuple { raw: attr.value, source, destination, protocol, ports })
}

/// Source and destination. Those of the other family are passed over, and then lacking.
fn ends(family: Family, attr: &Attr<'_>) -> Result<(Option<IpAddr>, Option<IpAddr>), Malformed> {
    let (mut source, mut destination) = (None, None);
    for attr in attr.nested() {
        let attr = attr?;
        match (family, attr.kind) {
            (Family::Ipv4, u::CTA_IP_V4_SRC) => source = Some(v4(&attr)?),
            (Family::Ipv4, u::CTA_IP_V4_DST) => destination = Some(v4(&attr)?),
            (Family::Ipv6, u::CTA_IP_V6_SRC) => source = Some(v6(&attr)?),
            (Family::Ipv6, u::CTA_IP_V6_DST) => destination = Some(v6(&attr)?),
            (_, _) => {}
        }
    }
    Ok((source, destination))
}

fn v4(attr: &Attr<'_>) -> Result<IpAddr, Malformed> {
    Ok(Ipv4Addr::from(fixed::<4>(attr)?).into())
}

fn v6(attr: &Attr<'_>) -> Result<IpAddr, Malformed> {
    Ok(Ipv6Addr::from(fixed::<16>(attr)?).into())
}

fn protocol(attr: &Attr<'_>) -> Result<(Protocol, Option<(u16, u16)>), Malformed> {
    let (mut number, mut from, mut to) = (None, None, None);
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            u::CTA_PROTO_NUM => number = Some(u8::from_be_bytes(fixed(&attr)?)),
            u::CTA_PROTO_SRC_PORT => from = Some(u16::from_be_bytes(fixed(&attr)?)),
            u::CTA_PROTO_DST_PORT => to = Some(u16::from_be_bytes(fixed(&attr)?)),
            _ => {}
        }
    }
    let protocol = Protocol(number.ok_or(Malformed("a protocol has no number"))?);
    Ok((protocol, from.zip(to).filter(|_| protocol.has_ports())))
}

fn started(attr: &Attr<'_>) -> Result<Option<SystemTime>, Malformed> {
    for attr in attr.nested() {
        let attr = attr?;
        if attr.kind == u::CTA_TIMESTAMP_START {
            let since = Duration::from_nanos(attr.u64()?);
            return Ok(SystemTime::UNIX_EPOCH.checked_add(since).filter(|_| !since.is_zero()));
        }
    }
    Ok(None)
}

fn fixed<const N: usize>(attr: &Attr<'_>) -> Result<[u8; N], Malformed> {
    attr.value.try_into().map_err(|_| Malformed("a part of a connection has an unexpected length"))
}

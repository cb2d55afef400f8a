//! The questions to the kernel, and the one order: forget this connection.
use crate::cidr::Cidr;
use crate::flow::Flow;
use crate::flows::{Flows, Wanted};
use crate::read;
use crate::uapi as u;
use chainkeeper_contract::{BackendError, Errno, Family};
use chainkeeper_nft::netlink::{Body, Buffer, Encoder, Malformed, Messages, Socket};
use std::time::SystemTime;

/// The connections of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Conntrack {
    socket: Socket,
}

/// What comes back to one request.
#[derive(Debug)]
enum Said<T> {
    This(T),
    /// A mere acknowledgement.
    Done,
    /// No such connection.
    NoSuch,
}

/// The errno of a question that nothing came back to.
const SILENCE: Errno = Errno(11);

impl Conntrack {
    /// Opens the socket in the calling thread's network namespace. Needs no privilege yet; every question
    /// needs CAP_NET_ADMIN.
    pub fn open() -> Result<Conntrack, BackendError> {
        let open = Socket::open(Encoder::default());
        Ok(Conntrack { socket: open.map_err(|e| failed("cannot open a netlink socket", e))? })
    }

    /// Connections without source translation that began `from` then `until` then (both included, wall
    /// clock as it was then) or at an unknown time; with `source`, only those from there. IPv4 and IPv6,
    /// every zone, but without what stays on loopback. Changes nothing; the kernel itself may load
    /// nf_conntrack_netlink to answer.
    ///
    /// The look is not atomic. A connection that is there from its begin to its end is seen at least once,
    /// unless the kernel's table is resized just then.
    pub fn flows_since(
        &mut self,
        from: SystemTime,
        until: SystemTime,
        source: Option<&Cidr>,
    ) -> Result<Flows, BackendError> {
        let what = "cannot read the connections";
        let entries = self.entries(what);
        // A kernel that does not say how many there are is asked for all.
        if matches!(self.settle(what, entries), Ok(0)) {
            return Ok(Flows::default());
        }
        let flows = self.dump(what, Wanted { from, until, source });
        self.settle(what, flows)
    }

    /// Makes the kernel forget this connection; `false` when it has none such. Its next packet is
    /// then the first of a new one and meets the rules as they are now.
    ///
    /// The number in [`Flow::id`] is no proof, see there: so the kernel is first asked whether what it has
    /// now is still as it was listed, and still without translation. Between that answer and the order,
    /// some microseconds, it has no more than addresses, ports and number to go by.
    ///
    /// EBUSY: a flowtable has it, and the kernel is older than Linux 6.4.
    pub fn delete(&mut self, flow: &Flow) -> Result<bool, BackendError> {
        let what = format!("cannot make the kernel forget {flow}");
        let deleted = self.is_still_there(&what, flow).and_then(|there| match there {
            true => self.forget(&what, flow),
            false => Ok(false),
        });
        self.settle(&what, deleted)
    }

    /// How many connections there are, of whatever kind. A dump of none would walk through the table of all
    /// namespaces: milliseconds, where this takes microseconds.
    fn entries(&mut self, what: &str) -> Result<u32, BackendError> {
        let (kind, seq) = (u::IPCTNL_MSG_CT_GET_STATS, self.socket.seqs(1));
        let mut request = Buffer::default();
        request.message((kind, u::NLM_F_REQUEST, seq), (u::NFPROTO_UNSPEC, 0), |_| {});
        match self.answer(what, &request.finish(), kind, |_, attrs| read::entries(attrs))? {
            Said::This(entries) => Ok(entries),
            Said::Done | Said::NoSuch => Err(failed(what, SILENCE)),
        }
    }

    fn dump(&mut self, what: &str, wanted: Wanted<'_>) -> Result<Flows, BackendError> {
        let mut request = Buffer::default();
        let (flags, seq) = (u::NLM_F_REQUEST | u::NLM_F_DUMP, self.socket.seqs(1));
        request.message((u::IPCTNL_MSG_CT_GET, flags, seq), (u::NFPROTO_UNSPEC, 0), |_| {});
        self.socket.send(&request.finish()).map_err(|e| failed(what, e))?;
        let mut flows = Flows::default();
        while let Some(datagram) = self.socket.receive().map_err(|e| failed(what, e))? {
            for message in Messages::new(datagram) {
                match message.map_err(|why| garbled(what, why))?.body {
                    Body::Object { kind: u::IPCTNL_MSG_CT_NEW, family, attrs } => {
                        let entry = read::entry(family, attrs).map_err(|why| garbled(what, why))?;
                        entry.iter().for_each(|entry| wanted.add(&mut flows, entry));
                    }
                    Body::Done => return Ok(flows),
                    Body::Error { errno, .. } => return Err(failed(what, Errno(errno))),
                    Body::Object { .. } => {}
                }
            }
        }
        Err(failed(what, SILENCE)) // a dump always ends with DONE or an error
    }

    fn is_still_there(&mut self, what: &str, flow: &Flow) -> Result<bool, BackendError> {
        let request = about(flow, (u::IPCTNL_MSG_CT_GET, 0, self.socket.seqs(1)));
        let said = self.answer(what, &request, u::IPCTNL_MSG_CT_NEW, |family, attrs| {
            let entry = read::entry(family, attrs)?;
            Ok(entry.is_some_and(|e| e.flow() == *flow && !e.is_translated()))
        })?;
        Ok(matches!(said, Said::This(true)))
    }

    fn forget(&mut self, what: &str, flow: &Flow) -> Result<bool, BackendError> {
        let head = (u::IPCTNL_MSG_CT_DELETE, u::NLM_F_ACK, self.socket.seqs(1));
        let said = self.answer(what, &about(flow, head), u::IPCTNL_MSG_CT_NEW, |_, _| Ok(()))?;
        Ok(!matches!(said, Said::NoSuch))
    }

    /// Sends one request, to which an object of this kind may come back.
    fn answer<T>(
        &mut self,
        what: &str,
        request: &[u8],
        expected: u16,
        read: impl Fn(u8, &[u8]) -> Result<T, Malformed>,
    ) -> Result<Said<T>, BackendError> {
        self.socket.send(request).map_err(|e| failed(what, e))?;
        while let Some(datagram) = self.socket.receive().map_err(|e| failed(what, e))? {
            for message in Messages::new(datagram) {
                match message.map_err(|why| garbled(what, why))?.body {
                    Body::Object { kind, family, attrs } if kind == expected => {
                        return read(family, attrs).map(Said::This).map_err(|e| garbled(what, e));
                    }
                    Body::Error { errno: 0, .. } => return Ok(Said::Done),
                    Body::Error { errno, .. } if Errno(errno) == Errno::NOENT => {
                        return Ok(Said::NoSuch);
                    }
                    Body::Error { errno, .. } => return Err(failed(what, Errno(errno))),
                    Body::Object { .. } | Body::Done => {}
                }
            }
        }
        Err(failed(what, SILENCE))
    }

    /// After an error answers may still be queued: the next question starts on a clean socket.
    fn settle<T>(&mut self, what: &str, done: Result<T, BackendError>) -> Result<T, BackendError> {
        if done.is_err() {
            self.socket.reopen().map_err(|e| failed(what, e))?;
        }
        done
    }
}

/// A message about one connection. IPCTNL_MSG_CT_DELETE without CTA_TUPLE_ORIG would empty the whole table;
/// a [`Flow`] always has one.
fn about(flow: &Flow, (kind, flags, seq): (u16, u16, u32)) -> Vec<u8> {
    let family = match flow.family {
        Family::Ipv4 => u::NFPROTO_IPV4,
        Family::Ipv6 => u::NFPROTO_IPV6,
    };
    let mut request = Buffer::default();
    request.message((kind, flags | u::NLM_F_REQUEST, seq), (family, 0), |b| {
        b.bytes(u::CTA_TUPLE_ORIG | u::NLA_F_NESTED, &flow.tuple);
        if let Some(zone) = flow.zone {
            b.bytes(u::CTA_ZONE, &zone.to_be_bytes());
        }
        b.u32(u::CTA_ID, flow.id);
    });
    request.finish()
}

fn garbled(what: &str, why: Malformed) -> BackendError {
    BackendError::Garbled { what: what.to_owned(), why: why.to_string() }
}

fn failed(what: &str, errno: Errno) -> BackendError {
    let what = what.to_owned();
    match errno {
        Errno::PERM | Errno::ACCES => BackendError::Denied { what, errno },
        Errno::NOBUFS | Errno(4) | SILENCE => BackendError::Busy { what, errno },
        Errno::INVAL | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT => {
            let missing =
                "the kernel does not list connections (module nf_conntrack_netlink)".to_owned();
            BackendError::Unsupported { what, errno, missing }
        }
        _ => BackendError::Refused { what, family: None, errno, at: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Protocol;
    use chainkeeper_nft::netlink::Attrs;
    use std::net::Ipv4Addr;

    #[test]
    fn an_order_names_tuple_zone_and_number_whatever_the_connection() {
        for (zone, expected) in [
            (None, vec![(u::CTA_TUPLE_ORIG, vec![1, 2, 3, 4]), (u::CTA_ID, vec![0, 0, 1, 2])]),
            (
                Some(7),
                vec![
                    (u::CTA_TUPLE_ORIG, vec![1, 2, 3, 4]),
                    (u::CTA_ZONE, vec![0, 7]),
                    (u::CTA_ID, vec![0, 0, 1, 2]),
                ],
            ),
        ] {
            let (family, protocol, ports) = (Family::Ipv4, Protocol(1), None);
            let [source, destination] = [Ipv4Addr::LOCALHOST.into(); 2];
            let (id, start, tuple) = (0x102, None, Box::from([1, 2, 3, 4]));
            let flow =
                Flow { family, protocol, source, destination, ports, id, start, tuple, zone };
            let order = about(&flow, (u::IPCTNL_MSG_CT_DELETE, u::NLM_F_ACK, 1));
            let message = Messages::new(&order).next().unwrap().unwrap();
            let Body::Object { family, attrs, .. } = message.body else { panic!("{message:?}") };
            assert_eq!(family, u::NFPROTO_IPV4);
            let attrs: Vec<_> =
                Attrs::new(attrs).flatten().map(|a| (a.kind, a.value.to_vec())).collect();
            assert_eq!(attrs, expected);
        }
    }
}

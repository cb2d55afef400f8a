//! Which connections count, and the bound on what is kept of them.
use crate::cidr::Cidr;
use crate::flow::Flow;
use crate::read::Entry;
use crate::uapi as u;
use std::time::SystemTime;

/// How many connections are listed at most (about 2 MiB). All are counted.
pub const LISTED: usize = 10_000;

/// Connections without source translation that began, or may have begun, in the time asked for: an upper
/// bound of those that needed it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flows {
    /// The first [`LISTED`] of them, in no order.
    pub without_translation: Vec<Flow>,
    /// How many there are, listed or not. One that the kernel moved during the look may be counted twice.
    pub count: usize,
    /// How many of these have no start and so may have begun at any time.
    pub unknown_start: usize,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The first moment and the last.
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
    /// Where they came from, before translation.
    pub(crate) source: Option<&'a Cidr>,
}

impl Wanted<'_> {
    /// Takes in what counts.
    pub(crate) fn add(&self, flows: &mut Flows, entry: &Entry<'_>) {
        if entry.is_translated() || stays_on_loopback(entry) || !self.is_meant(entry) {
            return;
        }
        flows.count += 1;
        flows.unknown_start += usize::from(entry.start.is_none());
        if flows.without_translation.len() < LISTED {
            flows.without_translation.push(entry.flow());
        }
    }

    fn is_meant(&self, entry: &Entry<'_>) -> bool {
        self.source.is_none_or(|source| source.contains(entry.original.source))
            && entry.start.is_none_or(|start| (self.from..=self.until).contains(&start))
    }
}

impl Entry<'_> {
    /// The kernel says so, and answers go to another address. IPS_SRC_NAT alone may mean no more than another
    /// port: where two connections would be one on the wire, the second gets one without any rule.
    pub(crate) fn is_translated(&self) -> bool {
        self.status & u::IPS_SRC_NAT != 0 && self.reply.destination != self.original.source
    }
}

/// It ends on this host's loopback, or began there and was not sent elsewhere: a packet with such an address
/// does not leave. One from 127.0.0.1 that a rule sends elsewhere (a node port by its local address) does.
fn stays_on_loopback(entry: &Entry<'_>) -> bool {
    let ends = entry.reply.source;
    ends.is_loopback() || entry.original.source.is_loopback() && ends == entry.original.destination
}

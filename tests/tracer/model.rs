//! What is known of a connection on both hosts: the part of conntrack that the tracer is told.
use super::Ledger;
use super::pair::{Pair, arrival_mark};
use chainkeeper_contract::Hook;
use chainkeeper_contract::trace::{Conntrack, Outcome, Packet, State, trace};
use std::net::IpAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// To the receiver's address on the link, which the receiver turns to its other one.
    Dnat,
    Untracked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    There,
    Back,
    /// Back, as an ICMP error.
    Error,
}

/// A host's conntrack entry.
#[derive(Debug, Default)]
struct Entry {
    /// A packet got through: from then on the entry stays, and nat has decided.
    confirmed: bool,
    replied: bool,
    snat: bool,
    dnat: bool,
}

#[derive(Debug)]
pub(super) struct Connection {
    kind: Kind,
    /// Index of the host that begins.
    from: usize,
    /// Source and destination of what goes there, as each host sees them inside.
    addresses: [[IpAddr; 2]; 2],
    entries: [Entry; 2],
    random_port: bool,
}

impl Connection {
    pub(super) fn new(kind: Kind, from: usize, sent: [IpAddr; 2], turned: IpAddr) -> Connection {
        let (mut addresses, mut entries) = ([sent, sent], <[Entry; 2]>::default());
        addresses[1 - from][1] = turned;
        entries[1 - from].dnat = kind == Kind::Dnat;
        Connection { kind, from, addresses, entries, random_port: false }
    }

    /// True when masquerading chose the port, too.
    pub(super) fn random_port(&self) -> bool {
        self.random_port
    }

    pub(super) fn sender(&self, way: Way) -> usize {
        match way {
            Way::There => self.from,
            Way::Back | Way::Error => 1 - self.from,
        }
    }

    /// Follows packet `id` from socket to socket; the source it arrives with, if it arrives.
    pub(super) fn predict(
        &mut self,
        pair: &Pair,
        way: Way,
        (id, mark): (u16, u32),
        ledger: &mut Ledger,
    ) -> Option<IpAddr> {
        let (here, there) = (self.sender(way), 1 - self.sender(way));
        self.entries[here].replied |= way == Way::Back;
        let sent = self.at(pair, here, Hook::Output, way, mark, ledger)?;
        let left = self.at(pair, here, Hook::Postrouting, way, sent.mark, ledger)?;
        ledger.left[here].insert((id, left.mark));
        if let Some(masquerade) = left.masquerade {
            let link = pair.sides[here].link;
            self.random_port = masquerade.random_fully;
            // The same address and port again is no translation to the kernel.
            self.entries[here].snat = self.addresses[here][0] != link || self.random_port;
            self.addresses[there][0] = link;
            ledger.note(if self.random_port { "to a random port" } else { "masqueraded" });
        }
        self.entries[here].confirmed = true;
        self.entries[there].replied |= way == Way::Back;
        let mark = if way == Way::Error { 0 } else { arrival_mark(id) };
        let came = self.at(pair, there, Hook::Input, way, mark, ledger)?;
        ledger.came[there].insert((id, came.mark));
        self.entries[there].confirmed = true;
        ledger.note(format!("{:?} {way:?}", self.kind));
        Some(self.packet(there, way, mark).source)
    }

    /// The outcome at one hook, unless the packet is dropped there.
    fn at(
        &self,
        pair: &Pair,
        host: usize,
        hook: Hook,
        way: Way,
        mark: u32,
        ledger: &mut Ledger,
    ) -> Option<Outcome> {
        let packet = self.packet(host, way, mark);
        let outcome = trace(&pair.sides[host].seen, hook, &packet).expect("all rules are known");
        ledger.note(match packet.conntrack {
            Conntrack::Entry { state: State::New, first: false, .. } => "New again".to_owned(),
            Conntrack::Entry { state, .. } => format!("{state:?}"),
            Conntrack::Invalid | Conntrack::Untracked => format!("{:?}", packet.conntrack),
        });
        match &outcome.dropped {
            None => Some(outcome),
            Some(at) => {
                println!("dropped in {hook} of host {host} by {at}");
                ledger.note(format!("dropped in {hook}"));
                None
            }
        }
    }

    /// The packet as this host sees it inside: after translation when it comes, before when it goes.
    fn packet(&self, host: usize, way: Way, mark: u32) -> Packet {
        let [a, b] = self.addresses[host];
        let entry = &self.entries[host];
        let state = match way {
            Way::Error => State::Related,
            Way::There | Way::Back if entry.replied => State::Established,
            Way::There | Way::Back => State::New,
        };
        let conntrack = match (self.kind, way) {
            (Kind::Untracked, Way::There | Way::Back) => Conntrack::Untracked,
            // About a connection of which conntrack knows nothing.
            (Kind::Untracked, Way::Error) => Conntrack::Invalid,
            (Kind::Plain | Kind::Dnat, _) => {
                let (first, snat, dnat) = (!entry.confirmed, entry.snat, entry.dnat);
                Conntrack::Entry { state, first, snat, dnat }
            }
        };
        let (source, destination) = if way == Way::There { (a, b) } else { (b, a) };
        Packet { source, destination, mark, conntrack }
    }
}

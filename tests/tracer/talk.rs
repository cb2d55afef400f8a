//! One conversation over real sockets, each packet of it beside what the model predicts.
use super::Ledger;
use super::model::{Connection, Kind, Way};
use super::pair::{DNAT, MARKS, Pair, UNTRACKED, bind};
use chainkeeper_contract::testing::Dice;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Two packets there, so that the second is of a connection without a reply; then one back, and one
/// more there. Where nobody listens the first is enough: it is answered by an ICMP error.
/// `number` must be no other conversation's: nat remembers.
pub(super) fn talk(pair: &Pair, number: u16, dice: &mut Dice, ledger: &mut Ledger) {
    let from = dice.roll(2);
    let (here, there) = (&pair.sides[from], &pair.sides[1 - from]);
    let source = dice.pick(&[here.link, here.other]);
    let aim = dice.pick(&[there.link, there.other]);
    let kind = dice.pick(&[Kind::Plain, Kind::Dnat, Kind::Untracked]);
    let (first_port, destination, turned) = match kind {
        Kind::Plain => (20_000, aim, aim),
        Kind::Dnat => (DNAT, there.link, there.other),
        Kind::Untracked => (UNTRACKED, aim, aim),
    };
    let port = first_port + number;
    let connection = Connection::new(kind, from, [source, destination], turned);
    let mut talk = Talk { pair, connection, dice, ledger };
    let near = bind(&here.host, source, port);
    let to = SocketAddr::from((destination, port));
    if talk.dice.one_in(4) {
        talk.send_to_nobody(&near, to);
        return;
    }
    let far = bind(&there.host, turned, port);
    talk.send(Way::There, &near, to, &far);
    let Some(caller) = talk.send(Way::There, &near, to, &far) else { return };
    if caller.port() != port {
        talk.ledger.note("to another port");
        assert!(talk.connection.random_port(), "{caller} instead of port {port}");
    }
    talk.send(Way::Back, &far, caller, &near);
    talk.send(Way::There, &near, to, &far);
}

struct Talk<'a> {
    pair: &'a Pair,
    connection: Connection,
    dice: &'a mut Dice,
    ledger: &'a mut Ledger,
}

impl Talk<'_> {
    /// Sends a packet from socket to socket; where from it was heard, as predicted.
    fn send(
        &mut self,
        way: Way,
        socket: &UdpSocket,
        to: SocketAddr,
        ear: &UdpSocket,
    ) -> Option<SocketAddr> {
        let (id, arrives) = self.say(way, socket, to);
        let heard = hear(ear, id);
        assert_eq!(heard.map(|from| from.ip()), arrives, "packet {id} arrives from");
        heard
    }

    fn send_to_nobody(&mut self, socket: &UdpSocket, to: SocketAddr) {
        let (id, arrives) = self.say(Way::There, socket, to);
        if arrives.is_some() {
            // The kernel's own packets carry no mark.
            self.connection.predict(self.pair, Way::Error, (id, 0), self.ledger);
        }
    }

    /// The packet's number, and the source it should arrive with, if it should.
    fn say(&mut self, way: Way, socket: &UdpSocket, to: SocketAddr) -> (u16, Option<IpAddr>) {
        let mark = self.dice.pick(&MARKS);
        self.ledger.next += 1;
        let id = self.ledger.next;
        println!("packet {id}: {way:?}, to {to}, mark {mark:#x}, {:?}", self.connection);
        setsockopt(socket, sockopt::Mark, &mark).expect("root of this namespace may mark");
        let sent = socket.send_to(&vec![0; id.into()], to).map_err(|e| e.kind());
        // The latter is how the kernel tells that a packet was dropped on its way out.
        assert!(matches!(sent, Ok(_) | Err(ErrorKind::PermissionDenied)), "{sent:?}");
        self.pair.settle(self.connection.sender(way));
        (id, self.connection.predict(self.pair, way, (id, mark), self.ledger))
    }
}

/// The source of the packet if it is there. It must be that packet, and alone.
fn hear(socket: &UdpSocket, id: u16) -> Option<SocketAddr> {
    let next = || match socket.recv_from(&mut [0; 2000]) {
        Err(e) if e.kind() == ErrorKind::WouldBlock => None,
        heard => Some(heard.expect("a packet")),
    };
    let (length, from) = next()?;
    assert_eq!((length, next()), (id.into(), None), "packet {id} is alone");
    Some(from)
}

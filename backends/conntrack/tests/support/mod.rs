//! Three hosts in a row, network namespaces of the test's own: a pod, its node, and the world behind it.
#![allow(dead_code)] // not every test binary uses all of it
use chainkeeper_conntrack::{Cidr, Conntrack, Flow, Flows};
use chainkeeper_contract::Family;
use chainkeeper_namespace::Namespace;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, socket,
};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime};

/// Where the world listens.
pub(crate) const EAR: u16 = 7001;

fn host() -> Namespace {
    let host = Namespace::empty();
    host.sh("ip link set lo up");
    host
}

/// A socket of that host bound to this address, with a time limit on reading.
pub(crate) fn udp(host: &Namespace, addr: IpAddr, port: u16) -> UdpSocket {
    let socket = host.inside(|| UdpSocket::bind((addr, port)).expect("the port is free"));
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    socket
}

/// The three, with addresses of one family. The node forwards and tracks; it translates nothing yet.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) family: Family,
    pub(crate) pod: Namespace,
    pub(crate) node: Namespace,
    pub(crate) world: Namespace,
    pub(crate) pod_ip: IpAddr,
    /// The node's towards the world: what masquerading puts in.
    pub(crate) node_ip: IpAddr,
    pub(crate) world_ip: IpAddr,
}

impl Row {
    pub(crate) fn new(family: Family) -> Row {
        let [pod, node, world] = [(); 3].map(|()| host());
        pod.link(&node, "inner");
        world.link(&node, "outer");
        let (net, len) = match family {
            Family::Ipv4 => (["10.9.1.2", "10.9.1.1", "10.9.0.1", "10.9.0.2"], "24"),
            Family::Ipv6 => (["fd09:1::2", "fd09:1::1", "fd09::1", "fd09::2"], "64 nodad"),
        };
        let [pod_ip, gate, node_ip, world_ip] = net;
        node.sh(&format!("ip a add dev inner {gate}/{len}; ip a add dev outer {node_ip}/{len}"));
        node.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
        pod.sh(&format!("ip a add dev inner {pod_ip}/{len}; ip r add default via {gate}"));
        world.sh(&format!("ip a add dev outer {world_ip}/{len}; ip r add default via {node_ip}"));
        // A rule that asks for the state of a connection is what makes a namespace track any.
        let chain =
            |hook| format!("chain {hook} {{ type filter hook {hook} priority 0; ct state new; }};");
        let chains = ["forward", "output", "input"].map(chain).join(" ");
        node.sh(&format!("nft 'table inet track {{ {chains} }}'"));
        let [pod_ip, node_ip, world_ip] =
            [pod_ip, node_ip, world_ip].map(|a| a.parse().expect("an address"));
        Row { family, pod, node, world, pod_ip, node_ip, world_ip }
    }

    /// From now on new connections of the pod leave with the node's address.
    pub(crate) fn masquerade(&self) {
        let (l3, pod) = (self.family.nft_name(), self.pod_ip);
        let hook = "type nat hook postrouting priority 100";
        self.node.sh(&format!(
            "nft 'table {l3} gap {{ chain post {{ {hook}; {l3} saddr {pod} masquerade; }}; }}'"
        ));
    }

    /// No longer.
    pub(crate) fn unmasquerade(&self) {
        self.node.sh(&format!("nft delete table {} gap", self.family.nft_name()));
    }

    /// Whether the node's kernel writes down when a connection begins, from now on.
    pub(crate) fn timestamps(&self, on: bool) {
        let on = u8::from(on);
        self.node.sh(&format!("sysctl -qw net.netfilter.nf_conntrack_timestamp={on}"));
    }

    /// One datagram from this port of the pod to the world; the source that it arrived with. Once it
    /// is there, the node tracks its connection.
    pub(crate) fn send(&self, port: u16) -> IpAddr {
        self.send_from(&self.pod, self.pod_ip, port)
    }

    /// The same from any host.
    pub(crate) fn send_from(&self, host: &Namespace, addr: IpAddr, port: u16) -> IpAddr {
        let ear = udp(&self.world, self.world_ip, EAR);
        udp(host, addr, port).send_to(b"!", (self.world_ip, EAR)).expect("sent");
        ear.recv_from(&mut [0; 1]).expect("it arrives").1.ip()
    }

    /// One echo request with this identifier from the pod to the world, and its answer.
    pub(crate) fn ping(&self, id: u16) {
        let (family, protocol, request) = match self.family {
            Family::Ipv4 => (AddressFamily::Inet, SockProtocol::Icmp, 8),
            Family::Ipv6 => (AddressFamily::Inet6, SockProtocol::IcmpV6, 128),
        };
        self.pod.sh("sysctl -qw net.ipv4.ping_group_range='0 0'");
        let (from, datagram) = (SocketAddr::new(self.pod_ip, id), SockType::Datagram);
        let socket = self.pod.inside(|| {
            let fd = socket(family, datagram, SockFlag::empty(), protocol).expect("a socket");
            bind(fd.as_raw_fd(), &SockaddrStorage::from(from)).expect("the identifier is free");
            UdpSocket::from(fd)
        });
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        socket.send_to(&[request, 0, 0, 0, 0, 0, 0, 0], (self.world_ip, 0)).expect("sent");
        socket.recv(&mut [0; 8]).expect("an answer");
    }

    /// Asks on the node.
    pub(crate) fn ask<T: Send>(&self, ask: impl FnOnce(&mut Conntrack) -> T + Send) -> T {
        self.node.inside(|| ask(&mut Conntrack::open().expect("netlink")))
    }

    /// What began between the two.
    pub(crate) fn between(&self, from: SystemTime, until: SystemTime) -> Flows {
        self.ask(|conntrack| conntrack.flows_since(from, until, None).expect("a look"))
    }

    /// Whatever has no translation, from there or from anywhere.
    pub(crate) fn all(&self, source: Option<&Cidr>) -> Flows {
        let (from, until) = (SystemTime::UNIX_EPOCH, SystemTime::now());
        self.ask(|conntrack| conntrack.flows_since(from, until, source).expect("a look"))
    }

    /// How a connection of the pod's from this port reads.
    pub(crate) fn named(&self, port: u16) -> String {
        let [pod, world] = [self.pod_ip, self.world_ip].map(|ip| match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        format!("udp {pod}:{port} -> {world}:{EAR}")
    }
}

/// As text, sorted.
pub(crate) fn texts(flows: &Flows) -> Vec<String> {
    let mut texts: Vec<String> =
        flows.without_translation.iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}

/// The one from this port.
pub(crate) fn from_port(flows: &Flows, port: u16) -> Flow {
    let mut flows = flows.without_translation.iter();
    flows.find(|f| f.ports.is_some_and(|p| p.0 == port)).expect("it is listed").clone()
}

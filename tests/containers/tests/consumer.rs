//! Somebody in another container who needs KUBE-MARK-MASQ, as portmap does for a hostPort: before the keeper his
//! rule is refused, after it his packets leave with the node's address.
use crate::engines::{ENGINES, FULL, Kind, Want};
use crate::node::{Node, eventually};
use crate::other;

/// What a hostPort is made of; the rule that needs the chain comes last, and is put first.
const HOST_PORT: [&str; 3] = [
    "-t nat -N CNI-DN-web",
    "-t nat -A CNI-DN-web -p udp --dport 7001 -j DNAT --to-destination 10.9.0.2:7002",
    "-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-DN-web",
];
const MASQUERADED: &str =
    "-t nat -I CNI-DN-web -s 10.8.0.0/24 -p udp --dport 7001 -j KUBE-MARK-MASQ";

/// A pod, its node, and the place where the hostPort leads.
struct Road {
    pod: Node,
    node: Node,
    end: Node,
}

impl Road {
    fn new() -> Road {
        let road = Road { pod: Node::new(), node: Node::new(), end: Node::new() };
        let Road { pod, node, end } = &road;
        for (name, other) in [("pod", pod), ("end", end)] {
            node.sh(&format!("ip link add {name} type veth peer name road netns {}", other.name));
        }
        // Before an engine comes: Docker closes the way for others where it opens it itself.
        node.sh("sysctl -qw net.ipv4.ip_forward=1; ip addr add 10.8.0.1/24 dev pod; ip addr add 10.9.0.1/24 dev end");
        node.sh("ip link set pod up; ip link set end up");
        pod.sh("ip addr add 10.8.0.2/24 dev road; ip link set road up; ip route add default via 10.8.0.1");
        end.sh("ip addr add 10.9.0.2/24 dev road; ip link set road up; ip route add default via 10.9.0.1");
        let count = |from, name| format!("ip saddr {from} udp dport 7002 counter name {name}");
        let hook = "type filter hook input priority 0";
        let both = [count("10.8.0.2", "pod"), count("10.9.0.1", "node")].join("; ");
        let counters = "counter pod { }; counter node { }";
        let chain = format!("chain in {{ {hook}; {both}; }}");
        end.sh(&format!("nft 'table ip watch {{ {counters}; {chain}; }}'"));
        // A link may swallow what is sent until the kernel has worked through "carrier on".
        for (host, link) in [(pod, "road"), (node, "pod"), (node, "end"), (end, "road")] {
            eventually("the link is up", || {
                host.sh(&format!("ip link show {link}")).contains("state UP")
            });
        }
        road
    }

    /// Sends a datagram from the pod to the node's port; from whose address it arrives: the pod's, the node's.
    fn send(&self) -> [u64; 2] {
        self.end.sh("nft reset counters >/dev/null");
        self.pod.sh("bash -c 'echo >/dev/udp/10.8.0.1/7001'");
        let mut seen = [0, 0];
        eventually("it arrives", || {
            seen = ["pod", "node"].map(|name| {
                let list = self.end.sh(&format!("nft list counter ip watch {name}"));
                list.split("packets ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
            });
            seen != [0, 0]
        });
        seen
    }
}

/// From a refused rule to a masqueraded packet. `refused`: the tool's words.
fn served(
    kind: Kind,
    keeper: &Want,
    consumer: impl Fn(&'static str) -> Want,
    suite: Option<&'static str>,
    refused: &str,
) {
    let road = Road::new();
    let engine = kind.start(&road.node);
    if let Some(suite) = suite {
        other::load(&engine, suite);
    }
    let run = |words| engine.run(&consumer(words));
    for words in HOST_PORT {
        let said = run(words);
        assert_eq!(said.code, 0, "{}: {words}\n{said:?}", kind.name());
    }
    let said = run(MASQUERADED);
    assert!(said.code == 2 && said.stderr.contains(refused), "{}: {said:?}", kind.name());
    assert_eq!(road.send(), [1, 0], "{}: nothing marks it yet", kind.name());
    let keeper = engine.start(keeper);
    keeper.in_sync();
    let said = run(MASQUERADED);
    assert_eq!(said.code, 0, "{}: {said:?}", kind.name());
    assert_eq!(road.send(), [0, 1], "{}: it is to leave with the node's address", kind.name());
}

fn served_by_nft(kind: Kind, suite: &'static str) {
    let consumer = |words| other::want(suite, "/usr/sbin/iptables-nft", words);
    let refused = "Chain 'KUBE-MARK-MASQ' does not exist";
    served(kind, &Want::nft(), consumer, Some(suite), refused);
}

// The same kernel whoever starts the containers, so each engine has one of the versions.

#[test]
fn a_consumer_with_iptables_nft_1_8_7_is_served() {
    served_by_nft(Kind::Podman, "bullseye");
}

#[test]
fn a_consumer_with_iptables_nft_1_8_11_is_served() {
    served_by_nft(Kind::Docker, "trixie");
}

#[test]
fn a_consumer_with_the_newest_iptables_nft_is_served() {
    served_by_nft(Kind::Containerd, "sid");
}

/// The tool is the image's own; it needs the capability and the lock, which each engine hands over its own way.
#[test]
fn a_consumer_with_iptables_legacy_is_served() {
    for kind in ENGINES {
        let consumer = |words| Want {
            program: Some("/usr/sbin/iptables-legacy"),
            words,
            image: FULL,
            run: false,
            ..Want::legacy()
        };
        served(kind, &Want::legacy(), consumer, None, "Couldn't load target `KUBE-MARK-MASQ'");
    }
}

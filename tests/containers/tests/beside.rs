//! The container beside what the node itself runs: another version of iptables, the other backend, a kubelet.
use crate::commits::Commits;
use crate::engines::{Container, ENGINES, Kind, NFT, Want};
use crate::node::{Node, eventually};
use crate::other;
use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// What iptables of every version prints of our chains.
const SEEN: [(&str, &str, &str); 3] = [
    ("nat", "KUBE-MARK-MASQ", "-j MARK --set-xmark 0x4000/0x4000"),
    (
        "nat",
        "KUBE-POSTROUTING",
        "-m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE",
    ),
    ("filter", "KUBE-FIREWALL", "-m mark --mark 0x8000/0x8000 -j DROP"),
];

/// One engine: what is tested is what stands between the image's and the node's tools, and that is the kernel.
#[test]
fn the_nodes_iptables_of_any_version_wipes_and_reads() {
    let node = Node::new();
    node.sh("iptables-nft -t mangle -N KUBE-IPTABLES-HINT");
    let engine = Kind::Podman.start(&node);
    let keeper = engine.start(&Want::nft());
    keeper.in_sync();
    for (n, suite) in other::SUITES.into_iter().enumerate() {
        let tool = |name| format!("{}/bin/{name}-nft", other::unpacked(suite).display());
        let tools = ["iptables", "ip6tables"].map(tool);
        for tool in &tools {
            for table in ["mangle", "nat", "filter"] {
                node.sh(&format!("{tool} -t {table} -F; {tool} -t {table} -X"));
            }
        }
        keeper.in_sync();
        eventually("it is repaired", || {
            keeper.exec("events").stdout.matches("back  after").count() > n
        });
        for tool in &tools {
            for (table, chain, rule) in SEEN {
                let listed = node.sh(&format!("{tool} -t {table} -S {chain}"));
                assert!(
                    listed.contains(&format!("-A {chain} ")) && listed.contains(rule),
                    "{suite}: {listed}"
                );
            }
            let save = node.sh(&format!("{tool}-save 2>&1"));
            assert!(!save.contains("incompatible") && !save.contains("failed"), "{suite}: {save}");
        }
    }
}

/// No tools in the image, and kubelet in legacy: to write to nf_tables would be to keep chains that nobody uses.
#[test]
fn on_a_node_with_legacy_the_small_image_names_the_full_one_which_keeps() {
    for kind in ENGINES {
        let node = Node::new();
        node.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT");
        let engine = kind.start(&node);
        let full = Want { environment: &[], ..Want::legacy() };
        let before = node.sh("nft list ruleset");
        let said = engine.run(&Want { image: NFT, ..full.clone() });
        assert_eq!(said.code, 3, "{}: {said:?}", kind.name());
        for words in ["a legacy mangle table exists", "image: .../chainkeeper:TAG-full"] {
            assert!(said.stderr.contains(words), "{}: {said:?}", kind.name());
        }
        let keeper = engine.start(&full);
        keeper.in_sync();
        node.sh("iptables-legacy -t nat -S KUBE-MARK-MASQ | grep -q 0x4000");
        let status = keeper.exec("status").stdout;
        assert!(status.contains("legacy: KUBE-IPTABLES-HINT is in legacy"), "{status}");
        assert_eq!(node.sh("nft list ruleset"), before, "{}: it wrote to nf_tables", kind.name());
    }
}

/// A kubelet's monitors of both families, as processes of the node, with this iptables.
struct Kubelet<'n> {
    node: &'n Node,
    monitors: Vec<Child>,
}

const FAMILIES: [(&str, &str); 2] = [("ipv4", "iptables"), ("ipv6", "ip6tables")];

impl<'n> Kubelet<'n> {
    fn start(node: &'n Node, backend: &str) -> Kubelet<'n> {
        fs::write(node.folder.join("kubelet.sh"), other::KUBELET).unwrap();
        let monitors = FAMILIES.map(|(family, tool)| {
            let mut monitor = node.command("sh");
            monitor.args([
                &node.path("kubelet.sh"),
                family,
                &format!("{tool}-{backend}"),
                "sleep",
                "1",
            ]);
            monitor.stdin(Stdio::null()).stdout(File::create(node.folder.join(family)).unwrap());
            monitor.spawn().unwrap()
        });
        Kubelet { node, monitors: monitors.into() }
    }

    fn said(&self) -> [String; 2] {
        FAMILIES.map(|(family, _)| fs::read_to_string(self.node.folder.join(family)).unwrap())
    }
}

impl Drop for Kubelet<'_> {
    fn drop(&mut self) {
        for monitor in &mut self.monitors {
            let _ = monitor.kill();
            let _ = monitor.wait();
        }
    }
}

/// It looks at its canary, and looks again.
fn lives(said: &[String]) -> bool {
    said.iter().all(|said| said.matches("looked").count() >= 2)
}

/// Both have seen what the other made; from now on nobody commits, and nothing was repaired. Of legacy, which tells
/// of no commit, the latter says it all.
fn nobody_fights(node: &Node, keeper: &Container<'_>, kubelet: impl Fn() -> Vec<String>) {
    eventually("kubelet looks", || lives(&kubelet()));
    keeper.in_sync();
    let commits = Commits::of(node);
    sleep(Duration::from_secs(3));
    assert_eq!(commits.so_far(), [""; 0]);
    for said in kubelet() {
        assert!(!said.contains("reload"), "it misses its canary:\n{said}");
    }
    let events = keeper.exec("events --output json");
    assert_eq!((events.code, events.stdout.as_str()), (0, ""), "{events:?}");
}

/// Whoever comes first: the other one finds its chains made.
#[test]
fn a_kubelet_of_the_node_and_the_container_leave_each_other_alone() {
    for (backend, want) in
        [("nft", Want::nft()), ("legacy", Want { environment: &[], ..Want::legacy() })]
    {
        let node = Node::new();
        let engine = Kind::Podman.start(&node);
        let first = Kubelet::start(&node, backend);
        eventually("kubelet looks", || lives(&first.said()));
        let keeper = engine.start(&want);
        nobody_fights(&node, &keeper, || first.said().into());
        drop(first);
        let second = Kubelet::start(&node, backend);
        nobody_fights(&node, &keeper, || second.said().into());
        for said in second.said() {
            assert!(!said.contains("wrote"), "it had to make something anew:\n{said}");
        }
    }
}

const IPV4: &str = "--library-path /host /host/sh /kubelet.sh ipv4 /usr/sbin/iptables-nft \
                    /host/loader --library-path /host /host/sleep 1";
const IPV6: &str = "--library-path /host /host/sh /kubelet.sh ipv6 /usr/sbin/ip6tables-nft \
                    /host/loader --library-path /host /host/sleep 1";

/// A kubelet in a container, with an iptables of its own.
fn beside_kubelet_of(kind: Kind, suite: &'static str) {
    let node = Node::new();
    let engine = kind.start(&node);
    other::load(&engine, suite);
    let start = |words| engine.start(&other::want(suite, "/host/loader", words));
    let kubelet = [IPV4, IPV6].map(start);
    eventually("kubelet looks", || lives(&kubelet.each_ref().map(Container::logs)));
    let keeper = engine.start(&Want::nft());
    nobody_fights(&node, &keeper, || kubelet.iter().map(Container::logs).collect());
    node.sh("iptables-nft -t nat -S KUBE-MARK-MASQ | grep -q 0x4000");
}

// Both write to the same kernel whoever starts them, so each engine has one of the versions.

#[test]
fn a_kubelet_in_a_container_with_1_8_7_is_left_alone() {
    beside_kubelet_of(Kind::Podman, "bullseye");
}

#[test]
fn a_kubelet_in_a_container_with_1_8_11_is_left_alone() {
    beside_kubelet_of(Kind::Docker, "trixie");
}

#[test]
fn a_kubelet_in_a_container_with_the_newest_is_left_alone() {
    beside_kubelet_of(Kind::Containerd, "sid");
}

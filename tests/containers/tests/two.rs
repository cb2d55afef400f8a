//! Two keepers on one node, a DaemonSet's and a sidecar's, in two engines: they agree, and come to rest.
use crate::commits::Commits;
use crate::engines::{Container, Kind, Want};
use crate::node::{Node, eventually};
use serde_json::Value;
use std::thread::sleep;
use std::time::Duration;

/// A canary comes back soon: no kubelet of this node has to see that it was gone. Who waits for the lock says so soon.
const RUN: &str = "--canary-wait 500ms --lock-wait 100ms run";
/// Longer than either waits before it writes.
const REST: Duration = Duration::from_secs(3);

/// All that iptables sees in both families, but for counters, and for a canary that is made where the other's has
/// no mark: in legacy by one of two files alone.
fn whole(node: &Node, backend: &str) -> String {
    let less = "sed 's/ \\[.*//; /^#/d; /^:CHAINKEEPER-CANARY/d'";
    let table = |table| format!("$tool-{backend}-save -t {table} | {less}; ");
    let tables = ["mangle", "nat", "filter"].map(table).concat();
    node.sh(&format!("for tool in iptables ip6tables; do echo $tool; {tables} done"))
}

/// The same once all of it is made, canaries of both families included.
fn made(node: &Node, backend: &str) -> String {
    let canaries = || whole(node, backend).matches(":KUBE-KUBELET-CANARY ").count();
    eventually("canaries are there", || canaries() == 6);
    sleep(Duration::from_secs(1));
    whole(node, backend)
}

/// It is as it was.
fn is_whole(node: &Node, backend: &str, all: &str) {
    for _ in 0..100 {
        if whole(node, backend) == all {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert_eq!(whole(node, backend), all);
}

/// Once it is whole again it stays so: nobody commits, nobody adds a second rule.
fn rests(node: &Node, backend: &str, all: &str, keepers: &[&Container<'_>]) {
    is_whole(node, backend, all);
    // A canary may follow, and the other's look.
    sleep(Duration::from_secs(1));
    match backend {
        "nft" => {
            let commits = Commits::of(node);
            sleep(REST);
            assert_eq!(commits.so_far(), [""; 0], "they do not come to rest");
        }
        // x_tables tell of no commit. Whoever wants to write complains while somebody else has the lock.
        _ => {
            let held =
                format!("flock --wait 5 {} sleep {}", node.path("xtables.lock"), REST.as_secs());
            let logs = || keepers.iter().map(|keeper| keeper.logs()).collect::<Vec<_>>();
            let before = logs();
            node.sh(&held);
            assert_eq!(logs(), before, "they do not come to rest");
        }
    }
    assert_eq!(whole(node, backend), all);
}

/// How often it wrote because something was gone. Nobody gave up.
fn repairs(keeper: &Container<'_>) -> usize {
    let said = keeper.exec("events --output json");
    assert_eq!(said.code, 0, "{said:?}");
    let events: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| event["event"] != "yielded"), "{events:#?}");
    events.iter().filter(|event| event["outcome"]["outcome"] == "repaired").count()
}

/// Wipes by which both see everything gone, or only one rule.
fn wipes(backend: &str) -> [String; 2] {
    let one = format!("iptables-{backend} -w 5 -t nat -F KUBE-POSTROUTING");
    let table = |tool, table| {
        format!("{tool}-{backend} -w 5 -t {table} -F; {tool}-{backend} -w 5 -t {table} -X\n")
    };
    let tools = ["iptables", "ip6tables"];
    let all = tools.map(|tool| ["mangle", "nat", "filter"].map(|t| table(tool, t)).concat());
    [all.concat(), one]
}

/// Both keep, each with a folder of its own, until one ends and the other goes on.
fn two_agree(backend: &str, want: &Want) {
    let node = Node::new();
    node.sh(&format!("mkdir {}", node.path("run2")));
    node.sh(&format!("iptables-{backend} -t mangle -N KUBE-IPTABLES-HINT"));
    let (first, second) = (Kind::Containerd.start(&node), Kind::Podman.start(&node));
    let first = first.start(want);
    first.in_sync();
    let second = second.start(&Want { folder: "run2", ..want.clone() });
    second.in_sync();
    let all = made(&node, backend);
    rests(&node, backend, &all, &[&first, &second]);
    for (n, wipe) in wipes(backend).iter().enumerate() {
        node.sh(wipe);
        rests(&node, backend, &all, &[&first, &second]);
        let both = [repairs(&first), repairs(&second)];
        assert!(both.iter().sum::<usize>() > n, "{wipe}\n{both:?}");
        assert!(both.iter().all(|repairs| *repairs <= n + 1), "{wipe}\n{both:?}");
    }
    assert_eq!(first.stop(), 0);
    assert_eq!(whole(&node, backend), all, "who ends takes nothing along");
    node.sh(&wipes(backend)[0]);
    is_whole(&node, backend, &all);
}

#[test]
fn two_keepers_agree_in_nf_tables() {
    two_agree("nft", &Want { words: RUN, ..Want::nft() });
}

#[test]
fn two_keepers_agree_by_legacy() {
    two_agree("legacy", &Want { words: RUN, ..Want::legacy() });
}

/// As after a copied manifest. Docker's and podman's containers share the node's folder as containerd's do.
#[test]
fn the_second_in_the_same_folder_has_no_socket_and_keeps() {
    let node = Node::new();
    node.sh("iptables-nft -t mangle -N KUBE-IPTABLES-HINT");
    let (first, second) = (Kind::Containerd.start(&node), Kind::Podman.start(&node));
    let want = Want { words: RUN, ..Want::nft() };
    let first = first.start(&want);
    first.in_sync();
    let all = made(&node, "nft");
    let second = second.start(&want);
    eventually("the second says so", || second.logs().contains("another chainkeeper serves there"));
    rests(&node, "nft", &all, &[&first, &second]);
    // Whoever is asked: it is the first that answers.
    for keeper in [&first, &second] {
        assert_eq!(keeper.exec("check").code, 0);
        assert_eq!(repairs(keeper), 0);
    }
    assert_eq!(first.stop(), 0);
    node.sh("nft flush ruleset");
    is_whole(&node, "nft", &all);
    assert_eq!(second.stop(), 0);
}

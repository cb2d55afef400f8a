//! A rolling update and its way back: the same tree under two version numbers, one after the other (maxSurge 0).
use crate::commits::Commits;
use crate::engines::{ENGINES, Engine, Kind, Want, next_version, version};
use crate::node::Node;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Old, new, and old again, each stopped by SIGTERM before the next one comes. `begun`: the first one keeps.
fn there_and_back(engine: &Engine<'_>, want: &Want, begun: impl FnOnce()) {
    let one = |version| Want { version, ..want.clone() };
    let mut keeper = engine.start(&one(version()));
    keeper.in_sync();
    begun();
    for next in [next_version(), version()] {
        assert_eq!(keeper.stop(), 0, "{}", engine.kind.name());
        keeper = engine.start(&one(next.clone()));
        keeper.in_sync();
        let status = keeper.exec("status").stdout;
        assert!(status.starts_with(&format!("chainkeeper {next} ")), "{status}");
    }
}

/// Chains and rules with their handles: what was gone in between has another one.
fn handles(node: &Node) -> String {
    let list = node.sh("nft -as list ruleset ip; nft -as list ruleset ip6");
    assert!(list.contains("chain KUBE-MARK-MASQ { # handle"), "{list}");
    list
}

#[test]
fn an_update_commits_nothing_to_nf_tables() {
    for kind in ENGINES {
        let node = Node::new();
        node.sh("iptables-nft -t mangle -N KUBE-IPTABLES-HINT");
        let engine = kind.start(&node);
        let mut begun = None;
        there_and_back(&engine, &Want::nft(), || {
            begun = Some((handles(&node), Commits::of(&node)))
        });
        let (before, commits) = begun.unwrap();
        assert_eq!(commits.so_far(), [""; 0], "{}", kind.name());
        assert_eq!(handles(&node), before, "{}", kind.name());
    }
}

/// Chains of a consumer's, and packets that have gone through them and ours.
const CONSUMER: &str = "
iptables-legacy -w 5 -t nat -N CNI-DN-web
iptables-legacy -w 5 -t nat -A CNI-DN-web -p udp --dport 7001 -j KUBE-MARK-MASQ
iptables-legacy -w 5 -t nat -A OUTPUT -j CNI-DN-web
ip addr add 10.7.0.1 dev lo # to masquerade by: that of the loopback itself is none
bash -c 'for n in 1 2 3; do echo >/dev/udp/127.0.0.1/7001; done'
";
/// Rules with their counters: one that was taken and came back begins at 0.
const COUNTED: &str = "iptables-legacy-save -c -t nat | grep '^\\[.*KUBE-'";

/// Says that it has ended, by a panic, too: a scope waits for its threads.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// x_tables tell nobody of their commits: who asks all the time has to find the chain each time.
#[test]
fn an_update_takes_no_rule_and_no_counter_from_legacy() {
    for kind in ENGINES {
        let node = Node::new();
        node.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT");
        let engine = kind.start(&node);
        let (ended, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            let ends = Ends(&ended);
            let mut begun = None;
            let ask = || {
                while !ended.load(Ordering::Relaxed) {
                    node.sh("iptables-legacy -w 5 -t nat -S KUBE-MARK-MASQ | grep -q 0x4000");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            };
            there_and_back(&engine, &Want { environment: &[], ..Want::legacy() }, || {
                node.sh(CONSUMER);
                begun = Some((node.sh(COUNTED), scope.spawn(ask)));
            });
            drop(ends);
            let (before, asking) = begun.unwrap();
            asking.join().unwrap();
            assert!(before.contains("[3:"), "no packet was counted:\n{before}");
            assert_eq!(node.sh(COUNTED), before, "{}", kind.name());
        });
        let asked = asked.into_inner();
        assert!(asked > 50, "{}: asked {asked} times", kind.name());
    }
}

/// One engine: the file is the node's, whoever mounts it.
#[test]
fn what_one_version_remembers_the_other_reads() {
    for (writer, reader) in [(next_version(), version()), (version(), next_version())] {
        let node = Node::new();
        node.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT");
        let engine = Kind::Podman.start(&node);
        let by = |version: &String, words| {
            let said = engine
                .ck(&Want { version: version.clone(), environment: &[], ..Want::legacy() }, words);
            assert_eq!(said.code, 0, "{version} {words}: {said:?}");
            said.stdout
        };
        by(&writer, "apply");
        // In legacy the file alone tells whose a chain is.
        let removed = by(&reader, "remove");
        assert!(removed.contains("ip   ") && removed.contains("chains"), "{removed}");
        let left = node.sh("iptables-legacy-save; ip6tables-legacy-save");
        assert!(!left.contains("KUBE-MARK") && left.contains("KUBE-IPTABLES-HINT"), "{left}");
        // And the choice is all that a node tells that has just booted.
        node.sh("iptables-legacy -t mangle -X KUBE-IPTABLES-HINT");
        let said = by(&reader, "probe");
        assert!(said.contains("chosen earlier"), "{said}");
        assert!(said.lines().any(|line| line.contains("legacy")), "{said}");
    }
}

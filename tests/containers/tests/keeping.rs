//! The day of a sidecar: started, wiped, repaired, asked how it is, stopped.
use crate::engines::{Kind, Want};
use crate::node::{Node, eventually};

/// Wipes everything on the node; asks whether KUBE-MARK-MASQ is there.
const NFT: [&str; 2] = ["nft flush ruleset", "iptables-nft -t nat -S KUBE-MARK-MASQ"];
const LEGACY: [&str; 2] = [
    "for t in nat filter; do iptables-legacy -w -t $t -F; iptables-legacy -w -t $t -X; done",
    "iptables-legacy -w -t nat -S KUBE-MARK-MASQ",
];

/// What may be done in it, as the kernel sees it from outside: `CapEff`, `CapBnd`.
const ADMIN: &str = "0000000000001000";
const ADMIN_AND_RAW: &str = "0000000000003000";

fn day(kind: Kind, want: &Want, [wipe, there]: [&str; 2], capabilities: &str) {
    let node = Node::new();
    let engine = kind.start(&node);
    let keeper = engine.start(want);
    keeper.in_sync();
    node.sh(there);

    let [pid] = node.keepers().try_into().expect("one process of ours");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("no {name}: {status}")).trim()
    };
    assert_eq!(
        (field("CapEff"), field("CapBnd"), field("CapPrm")),
        (capabilities, capabilities, capabilities)
    );
    assert_eq!(
        (field("CapAmb"), field("NoNewPrivs"), field("Seccomp")),
        ("0000000000000000", "1", "2")
    );

    node.sh(wipe);
    eventually("repaired", || node.try_sh(there).code == 0);
    eventually("told", || keeper.exec("events").stdout.contains("repaired"));
    let status = keeper.exec("status");
    assert!(status.code == 0 && status.stdout.contains("1 repair"), "{status:?}");

    assert!(keeper.is_healthy(), "by the engine's own health check");
    node.sh(&format!("kill -STOP {pid}"));
    eventually("a keeper that hangs is seen", || !keeper.is_healthy());
    node.sh(&format!("kill -CONT {pid}"));
    eventually("and that it goes on", || keeper.is_healthy());

    assert_eq!(keeper.stop(), 0);
    node.sh(there);
}

#[test]
fn podman_nft() {
    day(Kind::Podman, &Want::nft(), NFT, ADMIN);
}

#[test]
fn podman_legacy() {
    day(Kind::Podman, &Want::legacy(), LEGACY, ADMIN_AND_RAW);
}

#[test]
fn docker_nft() {
    day(Kind::Docker, &Want::nft(), NFT, ADMIN);
}

#[test]
fn docker_legacy() {
    day(Kind::Docker, &Want::legacy(), LEGACY, ADMIN_AND_RAW);
}

#[test]
fn containerd_nft() {
    day(Kind::Containerd, &Want::nft(), NFT, ADMIN);
}

#[test]
fn containerd_legacy() {
    day(Kind::Containerd, &Want::legacy(), LEGACY, ADMIN_AND_RAW);
}

//! The day of a sidecar: started, wiped, repaired, asked how it is, stopped.
use crate::backend::Backend;
use crate::engines::{Kind, Want};
use crate::node::{Node, eventually, status_of};
use std::io::Write as _;
use std::process::Stdio;

/// What may be done in it, as the kernel sees it from outside: `CapEff`, `CapBnd`.
const ADMIN: &str = "0000000000001000";
const ADMIN_AND_RAW: &str = "0000000000003000";

fn day(kind: Kind, backend: Backend) {
    let capabilities = match backend {
        Backend::Nft => ADMIN,
        Backend::Legacy => ADMIN_AND_RAW,
    };
    let node = Node::new();
    let engine = kind.start(&node);
    let keeper = engine.start(&backend.want());
    keeper.in_sync();
    assert!(backend.there(&node));

    let pid = node.keeper();
    let is = |name: &str, value: &str| assert_eq!(status_of(&pid, name), value, "{name}");
    for set in ["CapEff", "CapBnd", "CapPrm"] {
        is(set, capabilities);
    }
    is("CapAmb", "0000000000000000");
    is("NoNewPrivs", "1");
    is("Seccomp", "2");

    node.sh(backend.wipe());
    eventually("repaired", || backend.there(&node));
    eventually("told", || keeper.exec("status").stdout.contains("1 repair"));
    let events = keeper.exec("events");
    assert!(events.code == 0 && events.stdout.contains("back  after"), "{events:?}");
    // By name only, with the way to more; x_tables tell no name.
    let note = format!("{events:?}").contains("hostPID: true");
    assert_eq!(note, backend == Backend::Nft, "{events:?}");

    assert!(keeper.is_healthy(), "by the engine's own health check");
    node.sh(&format!("kill -STOP {pid}"));
    eventually("a keeper that hangs is seen", || !keeper.is_healthy());
    node.sh(&format!("kill -CONT {pid}"));
    eventually("and that it goes on", || keeper.is_healthy());

    assert_eq!(keeper.stop(), 0);
    assert!(backend.there(&node), "stopping leaves the chains");
}

#[test]
fn podman_nft() {
    day(Kind::Podman, Backend::Nft);
}

#[test]
fn podman_legacy() {
    day(Kind::Podman, Backend::Legacy);
}

#[test]
fn docker_nft() {
    day(Kind::Docker, Backend::Nft);
}

#[test]
fn docker_legacy() {
    day(Kind::Docker, Backend::Legacy);
}

#[test]
fn containerd_nft() {
    day(Kind::Containerd, Backend::Nft);
}

#[test]
fn containerd_legacy() {
    day(Kind::Containerd, Backend::Legacy);
}

/// ctr always makes a pid namespace.
#[test]
fn in_the_nodes_pid_namespace_the_writer_is_found() {
    for kind in [Kind::Podman, Kind::Docker] {
        let node = Node::new();
        let engine = kind.start(&node);
        let keeper = engine.start(&Want { host_pid: true, ..Want::nft() });
        keeper.in_sync();
        // Alive long enough to be looked at.
        let mut nft = node.command("nft");
        let mut nft = nft.arg("--interactive").stdin(Stdio::piped()).spawn().unwrap();
        let pid = nft.id();
        nft.stdin.as_mut().unwrap().write_all(b"flush ruleset\n").unwrap();
        eventually("repaired", || Backend::Nft.there(&node));
        eventually("told", || keeper.exec("status").stdout.contains("1 repair"));
        let events = format!("{:?}", keeper.exec("events"));
        assert!(
            events.contains(&format!("nft (pid {pid}")) && !events.contains("hostPID"),
            "{events}"
        );
        drop(nft.stdin.take());
        nft.wait().unwrap();
        assert_eq!(keeper.stop(), 0);
    }
}

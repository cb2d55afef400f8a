//! The day of a sidecar: applied, wiped, repaired, stopped.
use crate::engines::{ENGINES, Want};
use crate::node::{Node, eventually};

#[test]
fn each_engine_keeps_by_nf_tables() {
    for kind in ENGINES {
        let node = Node::new();
        let engine = kind.start(&node);
        let keeper = engine.start(&Want::nft());
        keeper.in_sync();
        node.sh("iptables-nft -t nat -S KUBE-MARK-MASQ | grep -q 0x4000");
        node.sh("nft flush ruleset");
        eventually("repaired", || node.try_sh("iptables-nft -t nat -S KUBE-MARK-MASQ").code == 0);
        let status = keeper.exec("status");
        assert_eq!(status.code, 0, "{}: {status:?}", kind.name());
        println!("{}\n{}\n{:?}", kind.name(), keeper.logs(), status);
        let end = keeper.stop();
        println!("{end:?}");
        node.sh("iptables-nft -t nat -S KUBE-MARK-MASQ");
    }
}

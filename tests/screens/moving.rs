//! From one backend to the other.
use super::{NFT, home, shape, shown};
use crate::support::Host;
use insta::assert_snapshot;

#[test]
fn a_move_is_told_before_and_after() {
    let host = home(Host::unknown(), NFT, "iptables-nft -t mangle -N KUBE-IPTABLES-HINT");
    host.ck_ok("apply", 0);
    host.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT
        iptables-nft -t mangle -X KUBE-IPTABLES-HINT");
    assert_snapshot!("diff", shape(&shown(&host, "diff")));
    assert_snapshot!("apply", shown(&host, "apply"));
    assert_snapshot!("apply_again", shown(&host, "apply"));
}

#[test]
fn what_is_kept_in_the_other_backend_is_told() {
    let host = home(Host::unknown(), NFT, "iptables-nft -t mangle -N KUBE-IPTABLES-HINT");
    host.ck_ok("apply", 0);
    host.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT
        iptables-nft -t mangle -X KUBE-IPTABLES-HINT
        iptables-nft -t nat -N CNI-DN-x; iptables-nft -t nat -A CNI-DN-x -j KUBE-MARK-MASQ");
    assert_snapshot!("apply_keeps", shown(&host, "apply"));
    assert_snapshot!("remove_keeps", shown(&host, "remove"));
}

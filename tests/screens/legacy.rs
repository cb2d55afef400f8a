//! The commands where legacy is used, with both families.
use super::{NFT, home, shape, shown};
use crate::support::{Host, On};
use insta::assert_snapshot;

#[test]
fn each_family_is_a_commit() {
    let host = home(Host::of(On::Legacy), NFT, "true");
    assert_snapshot!("diff", shape(&shown(&host, "diff")));
    assert_snapshot!("apply", shown(&host, "apply"));
    host.sh("iptables-legacy -t nat -F KUBE-MARK-MASQ; iptables-legacy -I INPUT -j ACCEPT");
    assert_snapshot!("diff_validate", shown(&host, "diff --validate"));
    assert_snapshot!("remove_dry_run", shape(&shown(&host, "remove --dry-run")));
    assert_snapshot!("remove", shown(&host, "remove"));
}

#[test]
fn while_another_holds_the_lock() {
    let host = home(Host::of(On::Legacy), NFT, "true");
    let holder = host.hold_lock(100);
    let text = shown(&host, "apply --lock-wait 100ms");
    let pid = format!("(pid {})", holder.pid());
    assert_snapshot!("lock_held", text.replace(&pid, "(pid PID)"));
}

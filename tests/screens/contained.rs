//! What is said in a container where a privilege or a mount is missing, with the line that mends it.
use super::{NFT, home, home_without_tools, shown_under};
use crate::support::{Host, nobody};
use insta::assert_snapshot;

const POD: &str = "env container=pod";
/// A `/run` of the container's own, without a lock.
const RUN: &str =
    "env -u XTABLES_LOCKFILE container=pod STATE_DIRECTORY=/run/memory sh -ec 'mount -t tmpfs none /run
    mkdir /run/memory";

fn empty() -> Host {
    home(Host::unknown(), NFT, "true")
}

/// A host whose legacy tables hold kubelet's hint.
fn legacy() -> Host {
    home(Host::unknown(), NFT, "iptables-legacy -t mangle -N KUBE-IPTABLES-HINT")
}

#[test]
fn a_capability_that_is_not_granted() {
    let before = format!("{POD} setpriv --bounding-set=-net_admin --inh-caps=-net_admin");
    assert_snapshot!("no_capability", shown_under(&empty(), &before, "apply"));
}

/// As Kubernetes starts a user that is not root.
#[test]
fn a_capability_that_another_user_has_not() {
    if nobody(0, "-all").is_none() {
        return;
    }
    let user = format!("{POD} setpriv --reuid 65534 --regid 0 --clear-groups");
    assert_snapshot!("not_root", shown_under(&empty(), &user, "apply"));
    let kept = format!("{user} --no-new-privs");
    assert_snapshot!("not_root_no_new_privs", shown_under(&empty(), &kept, "apply"));
}

#[test]
fn a_capability_over_another_user_namespace() {
    let before = format!("{POD} unshare --user --map-root-user");
    assert_snapshot!("user_namespace", shown_under(&empty(), &before, "apply"));
}

#[test]
fn legacy_without_net_raw() {
    let before = format!("{POD} setpriv --bounding-set=-net_raw --inh-caps=-net_raw");
    assert_snapshot!("no_net_raw", shown_under(&legacy(), &before, "apply"));
    assert_snapshot!("no_net_raw_json", shown_under(&legacy(), &before, "apply --output json"));
}

#[test]
fn a_list_of_legacy_tables_that_cannot_be_read() {
    let Some(nobody) = nobody(65534, "+net_admin") else { return };
    assert_snapshot!("no_list", shown_under(&legacy(), &format!("{POD} {nobody}"), "apply"));
}

#[test]
fn legacy_in_an_image_without_its_tools() {
    let hidden = "mount -t tmpfs none /usr/sbin; [ -L /sbin ] || mount -t tmpfs none /sbin";
    let before = format!("{POD} sh -ec '{hidden}; exec \"$0\" \"$@\"'");
    let host = home_without_tools(Host::unknown(), NFT, "true");
    assert_snapshot!("no_tools", shown_under(&host, &before, "apply --backend legacy"));
}

/// A lock that is made here is one that nobody else takes.
#[test]
fn a_lock_that_is_not_mounted() {
    let before = format!("{RUN}; exec \"$0\" \"$@\"'");
    let host = legacy();
    assert_snapshot!("no_lock", shown_under(&host, &before, "apply"));
    assert!(!host.legacy_tables().contains("KUBE-MARK-MASQ"), "it wrote without the host's lock");
}

#[test]
fn a_lock_that_is_mounted() {
    let mounted =
        "touch /run/theirs /run/xtables.lock; mount --bind -o ro /run/theirs /run/xtables.lock";
    let before = format!("{RUN}; {mounted}; exec \"$0\" \"$@\"'");
    let said = shown_under(&legacy(), &before, "apply");
    assert!(said.ends_with("(exit 0)"), "{said}");
}

#[test]
fn a_lock_that_is_a_folder() {
    let before = format!("{RUN}; mkdir /run/xtables.lock; exec \"$0\" \"$@\"'");
    assert_snapshot!("lock_is_a_folder", shown_under(&legacy(), &before, "apply"));
}

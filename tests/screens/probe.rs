//! `probe` on kinds of hosts.
use super::{NFT, home, home_without_tools, shown, shown_under};
use crate::support::{Host, On};
use insta::assert_snapshot;

const NFT_HINT: &str = "iptables-nft -t mangle -N KUBE-IPTABLES-HINT
    ip6tables-nft -t mangle -N KUBE-IPTABLES-HINT";
const LEGACY_HINT: &str = "iptables-legacy -t mangle -N KUBE-IPTABLES-HINT
    ip6tables-legacy -t mangle -N KUBE-IPTABLES-HINT";

fn unknown(setup: &str) -> Host {
    home(Host::unknown(), NFT, setup)
}

#[test]
fn where_one_backend_is_used() {
    assert_snapshot!("empty_host", shown(&unknown("true"), "probe"));
    assert_snapshot!("hint_in_nft", shown(&unknown(NFT_HINT), "probe"));
    let rules = "iptables-legacy -A INPUT -i lo -j ACCEPT; ip6tables-legacy -P FORWARD DROP";
    let legacy = unknown(&format!("{LEGACY_HINT}\n{rules}"));
    assert_snapshot!("hint_in_legacy", shown(&legacy, "probe"));
    legacy.ck_ok("apply", 0);
    assert_snapshot!("ours_in_legacy", shown(&legacy, "probe"));
}

#[test]
fn where_both_are() {
    let rules = "iptables-nft -A INPUT -i lo -j ACCEPT; ip6tables-nft -A INPUT -i lo -j ACCEPT
        iptables-legacy -A INPUT -i lo -j ACCEPT; nft add table inet firewalld";
    assert_snapshot!("mixed_host", shown(&unknown(rules), "probe"));
    let hints = format!("{NFT_HINT}\n{LEGACY_HINT}");
    let host = home(Host::of(On::Legacy), NFT, &hints);
    assert_snapshot!("both_hints_and_a_memory", shown(&host, "probe"));
}

#[test]
fn where_none_can_be_chosen() {
    let no_admin = "setpriv --bounding-set=-net_admin --inh-caps=-net_admin";
    assert_snapshot!("nothing_readable", shown_under(&unknown("true"), no_admin, "probe"));
    let host = Host::unknown();
    let hide = "mount -t tmpfs none /usr/sbin && { [ -L /sbin ] || mount -t tmpfs none /sbin; }";
    host.put("without-tools", &format!("{hide} && exec \"$@\""));
    let host = home_without_tools(host, NFT, LEGACY_HINT);
    assert_snapshot!("no_legacy_tools", shown_under(&host, "without-tools", "probe"));
}

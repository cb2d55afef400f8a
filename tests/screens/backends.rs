//! What people see of backends: which one and why, legacy's screens, and a move.
use super::screen;
use crate::support::{Host, On};
use insta::assert_snapshot;

/// Without the lines about tools: where they are is the machine's affair.
fn probe(host: &Host, code: i32) -> String {
    let said = host.ck("probe");
    assert_eq!(said.code, code, "{}{}", said.stdout, said.stderr);
    let mut tools = false;
    let told = said.stdout.lines().filter(|line| {
        tools = line.starts_with("  tools") || tools && line.starts_with("      ");
        !tools
    });
    let told: Vec<&str> = told.collect();
    format!("{}\n{}", told.join("\n"), said.stderr)
}

/// A host whose plain `iptables` is that of nf_tables.
fn host() -> Host {
    let host = Host::unknown();
    host.plain("v1.8.9 (nf_tables)");
    host
}

#[test]
fn which_backend_and_why() {
    let host = host();
    host.sh("iptables-nft -t mangle -N KUBE-IPTABLES-HINT; ip6tables-nft -t mangle -N KUBE-IPTABLES-HINT");
    assert_snapshot!("probe_hint_in_nft", probe(&host, 0));
    host.sh("iptables-legacy -t mangle -N KUBE-KUBELET-CANARY; iptables-legacy -A INPUT -p tcp -j ACCEPT");
    assert_snapshot!("probe_both", probe(&host, 0));
    host.sh("nft flush ruleset; nft add table inet firewalld");
    assert_snapshot!("probe_hint_in_legacy", probe(&host, 0));
    host.put("iptables-legacy-save", "echo broken >&2; exit 1");
    assert_snapshot!("probe_unread", probe(&host, 5));
}

#[test]
fn a_good_day_on_legacy() {
    let host = Host::of(On::Legacy);
    let of = |words: &str, code| screen(&host.ck_ok(&format!("{words} --family ipv4"), code));
    assert_snapshot!("legacy_validate_first", of("diff --validate", 1));
    assert_snapshot!("legacy_apply_first", of("apply", 0));
    assert_snapshot!("legacy_apply_again", of("apply", 0));
    host.sh("iptables-legacy -t nat -F KUBE-POSTROUTING; iptables-legacy -A INPUT -j KUBE-FIREWALL
             iptables-legacy -t nat -A KUBE-MARK-MASQ -p tcp -j ACCEPT");
    assert_snapshot!("legacy_diff", of("diff --validate", 1));
    assert_snapshot!("legacy_remove_dry_run", of("remove --dry-run", 0));
    assert_snapshot!("legacy_remove", of("remove", 0));
}

#[test]
fn a_move_to_where_kubelet_is() {
    let host = Host::of(On::Nft);
    host.ck_ok("apply", 0);
    host.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT");
    let diff = host.ck_ok("diff", 1);
    let there = &diff[diff.find("in nft\n").expect("both backends are told of")..];
    assert_snapshot!("move_diff", there);
    assert_snapshot!("move_apply", screen(&host.ck_ok("apply", 0)));
    assert_snapshot!("move_done", host.ck_ok("diff", 0));
}

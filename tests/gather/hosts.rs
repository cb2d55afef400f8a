//! Kinds of hosts, and what is chosen on each.
use super::{HINT4, answer, host, look};
use crate::support::{Host, On, PROGRAM};

const SET: &str = "-t nat -N KUBE-MARK-MASQ; X -t nat -N KUBE-POSTROUTING
    X -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
    X -t nat -A KUBE-POSTROUTING -j RETURN; X -t nat -A POSTROUTING -j KUBE-POSTROUTING";

/// What is remembered, what somebody has done, what is chosen. `N` is iptables-nft, `L` iptables-legacy,
/// `N6` and `L6` those of IPv6.
const HOSTS: [(&str, &str, &str); 24] = [
    ("", "true", "nft 24 nothing, no hint"),
    ("nft", "true", "nft 19 remembered, hint"),
    ("legacy", "true", "legacy 19 remembered, hint"),
    // Rules of others.
    ("", "N -A INPUT -p tcp -j ACCEPT", "nft 20 evidence, hint"),
    ("", "N6 -P FORWARD DROP", "nft 20 evidence, hint"),
    ("", "L -A INPUT -p tcp -j ACCEPT", "legacy 21 evidence, hint"),
    ("", "L6 -P FORWARD DROP", "legacy 21 evidence, hint"),
    ("", "N -A INPUT -j ACCEPT; L -A INPUT -j ACCEPT", "nft 22 evidence, hint"),
    ("legacy", "N -A INPUT -p tcp -j ACCEPT", "legacy 19 remembered, hint"),
    // Tables that were only looked at, by the tool that makes them.
    ("", "L -L >&2; L6 -t nat -L >&2", "nft 24 nothing, no hint"),
    ("", "N -L >&2; N6 -t nat -L >&2", "nft 24 nothing, no hint"),
    ("", "nft add table inet firewalld", "nft 23 evidence, hint"),
    ("", "nft add table inet mine; L -L >&2", "nft 23 evidence, hint"),
    ("", "nft add table ip kube-proxy; L -A INPUT -j ACCEPT", "legacy 21 evidence, hint"),
    // kubelet's hint.
    ("", "N HINT", "nft 10 evidence, hint"),
    ("legacy", "N HINT", "nft 10 evidence, hint"),
    ("", "N6 HINT; L -L >&2", "nft 11 evidence, hint"),
    ("nft", "L HINT; N -A INPUT -j ACCEPT", "legacy 15 evidence, hint"),
    ("", "L -t mangle -N KUBE-KUBELET-CANARY", "legacy 15 evidence, hint"),
    ("", "N HINT; L HINT", "nft 14 evidence, hint"),
    ("legacy", "N HINT; L HINT", "legacy 13 remembered, hint"),
    ("", "N HINT; L HINT; L SET", "legacy 12 evidence, hint"),
    ("", "N6 HINT; L HINT", "legacy 28 evidence, hint"),
    // A kube-proxy.
    ("nft", "L6 -t nat -N KUBE-SERVICES", "legacy 18 evidence, hint"),
];

/// With the tools in the place of their letters.
fn shell(setup: &str) -> String {
    let mut out = String::new();
    for command in setup.split("; ") {
        let (tool, rest) = command.split_once(' ').unwrap_or((command, ""));
        let tool = match tool {
            "N" => "iptables-nft",
            "N6" => "ip6tables-nft",
            "L" => "iptables-legacy",
            "L6" => "ip6tables-legacy",
            other => other,
        };
        let rest = rest.replace("HINT", HINT4).replace("SET", &SET.replace('X', tool));
        out += &format!("{tool} {rest}\n");
    }
    out
}

#[test]
fn each_kind_is_told_and_left_as_it_is() {
    for (memory, setup, expected) in HOSTS {
        let host = host(memory, &shell(setup));
        assert_eq!(answer(&look(&host, "")), expected, "remembered `{memory}`, {setup}");
    }
}

#[test]
fn on_an_empty_host_the_plain_iptables_tells() {
    let host = host("", "true");
    for (version, expected) in [
        ("v1.8.9 (legacy)", "legacy 24 nothing, no hint"),
        ("v1.6.1", "legacy 24 nothing, no hint"),
        ("v1.8.11 (nf_tables)", "nft 24 nothing, no hint"),
        // It says nothing, so nf_tables is asked.
        ("", "nft 25 nothing, no hint"),
    ] {
        host.plain(version);
        assert_eq!(answer(&look(&host, "")), expected, "{version}");
    }
}

#[test]
fn what_is_ours_is_no_evidence() {
    for backend in ["nft", "legacy"] {
        let host = host(backend, "true");
        host.ck_ok("apply", 0);
        std::fs::remove_file(host.lock()).ok();
        let expected = format!("{backend} 19 remembered, hint");
        assert_eq!(answer(&look(&host, "")), expected);
        // In nft the chains tell it themselves.
        if backend == "nft" {
            std::fs::remove_file(host.state()).expect("a state file");
            assert_eq!(answer(&look(&host, "")), expected);
        }
    }
}

#[test]
fn a_probe_for_people_says_the_same_and_no_more() {
    let host = host("", &shell("L HINT; N -A INPUT -j ACCEPT"));
    let text = host.ck_ok("probe", 0);
    assert!(text.starts_with("legacy KUBE-IPTABLES-HINT is in legacy"), "{text}");
    assert!(text.contains("not chosen\n  nft "), "{text}");
}

#[test]
fn a_hint_that_was_seen_decides_though_the_other_family_cannot_be_read() {
    let host = host("", &shell("L HINT; L6 -L >&2; L6 -t mangle -L >&2"));
    host.put("ip6tables-legacy-save", "echo boom >&2; exit 1");
    assert_eq!(answer(&look(&host, "")), "legacy 15 evidence, hint");
    let ip = |host: &Host| {
        let chains = host.our_chains(On::Legacy);
        chains.iter().filter(|c| c.starts_with("ip ")).count()
    };
    let said = host.ck("apply");
    assert!(said.code == 6 && said.stderr.contains("boom"), "{said:?}");
    assert_eq!(ip(&host), 8);
    host.ck_ok("remove --family ipv4", 0);
    assert_eq!(ip(&host), 1, "kubelet's hint");
    host.ck_ok("apply --family ipv4", 0);
    assert_eq!(ip(&host), 8);
    // Without a hint, what could not be read may be one.
    let host = super::host("", &shell("L -t mangle -L >&2; L6 -t mangle -L >&2"));
    host.put("ip6tables-legacy-save", "echo boom >&2; exit 1");
    assert_eq!(host.ck("apply").code, 5);
    host.ck_ok("apply --family ipv4", 0);
}

#[test]
fn a_tool_in_the_current_folder_is_not_taken() {
    let host = host("", &shell("L HINT"));
    for name in ["iptables", "iptables-legacy-save", "iptables-legacy-restore"] {
        host.put(name, "exit 1");
    }
    let folder = host.state().with_file_name("bin");
    for path in [":$PATH", ".:$PATH", "$PATH:", ""] {
        let run = format!("cd {}; PATH={path} exec {PROGRAM} apply", folder.display());
        let said = host.try_sh(&run);
        assert_eq!((said.code, host.starts()), (0, vec![]), "PATH={path}: {said:?}");
    }
}

//! The commands from outside: what they print, how they exit, that an idle pass is silent.
use crate::support::{Host, On, PROGRAM};
use chainkeeper::config::Settings;
use chainkeeper::{backends, backends::Kind, reconcile::Keeper};
use chainkeeper_contract::CanaryPolicy;
use std::sync::Barrier;

/// On nft. The same on legacy is `legacy::starts`.
#[test]
fn apply_then_diff_then_apply_is_idle_and_leaves_the_generation_alone() {
    let host = Host::new();
    let text = host.ck_ok("diff", 1);
    assert!(text.contains("Nothing was written; `chainkeeper apply` does it."), "{text}");
    assert_eq!(host.generation(), 1, "diff wrote something");
    let text = host.ck_ok("apply", 0);
    assert!(text.contains("one commit, generation 1 -> 2"), "{text}");
    host.ck_ok("diff", 0);
    let text = host.ck_ok("apply", 0);
    assert_eq!(text, "in sync, nothing written (generation 2)\n");
    assert_eq!(host.generation(), 2);
}

#[test]
fn remove_leaves_no_chain_of_ours() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        host.ck_ok("remove", 0);
        let left = host.sh("nft list ruleset; iptables-legacy-save; ip6tables-legacy-save");
        assert!(!left.contains("KUBE") && !left.contains("CHAINKEEPER"), "{left}");
        assert!(host.ck_ok("remove", 0).contains("nothing of ours to remove"));
    }
}

#[test]
fn what_is_written_in_one_backend_is_not_in_the_other() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        let nft = host.sh("nft list ruleset").matches("chain KUBE-").count();
        let legacy =
            host.sh("iptables-legacy-save; ip6tables-legacy-save").matches(":KUBE-").count();
        let chains = match on {
            On::Nft => (16, 0),
            On::Legacy => (0, 16),
        };
        assert_eq!((nft, legacy), chains);
    }
}

#[test]
fn our_drop_rule_moves_out_of_kube_firewall_when_a_kube_proxy_comes() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        // One of ours is lost as well: the repair goes before the rule that moves out.
        host.by(on.both_iptables()[0], "$T -t mangle -N KUBE-PROXY-CANARY; $T -D KUBE-FIREWALL 2");
        host.ck_ok("apply", 0);
        for tool in on.both_iptables() {
            let rules = host.by(tool, "$T -S KUBE-FIREWALL; $T -S CHAINKEEPER-DROP");
            let drops: Vec<&str> = rules.lines().filter(|l| l.contains("0x8000")).collect();
            assert_eq!(drops.len(), 1, "{rules}");
            assert!(drops[0].starts_with("-A CHAINKEEPER-DROP"), "{rules}");
        }
        assert!(!host.ck_ok("diff", 0).contains("foreign"));
    }
}

/// Somebody's loop becomes one below a hook with our jump: the kernel refuses IPv6, and only that.
#[test]
fn one_refused_family_is_named_and_the_other_is_in_place() {
    let host = Host::new();
    host.sh("ip6tables-nft -t nat -N KUBE-POSTROUTING; ip6tables-nft -t nat -N LOOP
             ip6tables-nft -t nat -A KUBE-POSTROUTING -j LOOP
             ip6tables-nft -t nat -A LOOP -j KUBE-POSTROUTING");
    let said = host.ck("apply");
    assert_eq!(said.code, 6, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("ip   8 chains, 7 rules, 3 jumps written"), "{}", said.stdout);
    assert!(said.stderr.contains("error: ip6: "), "{}", said.stderr);
    assert!(said.stderr.contains("(EMLINK)"), "{}", said.stderr);
    host.ck_ok("diff --family ipv4", 0);
    let left = host.sh("nft list table ip6 nat; nft list tables");
    assert!(!left.contains("KUBE-MARK") && !left.contains("ip6 filter"), "{left}");
}

/// A tool that fails as it does where its kernel module is missing.
#[test]
fn one_refused_family_of_legacy_is_named_and_the_other_is_in_place() {
    let host = Host::of(On::Legacy);
    let words = "ip6tables-restore: line 1 failed";
    host.put("ip6tables-legacy-restore", &format!("echo '{words}' >&2; exit 1"));
    let said = host.ck("apply");
    assert_eq!(said.code, 6, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("ip   8 chains, 7 rules, 3 jumps written"), "{}", said.stdout);
    assert!(!said.stdout.contains("ip6  8 chains"), "{}", said.stdout);
    assert!(said.stderr.contains("error: ip6: "), "{}", said.stderr);
    assert!(said.stderr.contains(words), "{}", said.stderr);
    host.ck_ok("diff --family ipv4", 0);
    assert_eq!(host.sh("ip6tables-legacy-save"), "");
    // It is ours to take out what was written, and no record says of more.
    host.heal();
    assert!(host.ck_ok("remove", 0).contains("ip   8 chains"));
    host.ck_ok("apply", 0);
}

/// Nothing in nf_tables keeps two equal jumps apart but the generation that a commit is pinned to.
#[test]
fn keepers_that_repair_at_once_make_no_double_rule() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    for _ in 0..20 {
        host.sh("iptables-nft -D INPUT -j KUBE-FIREWALL");
        let before = host.generation();
        let start = Barrier::new(4);
        let repair = || {
            let config = Settings::default().check().expect("defaults");
            let backend = backends::open(&config, Kind::Nft, &Default::default()).expect("netlink");
            let mut keeper = Keeper::new(backend, config);
            start.wait();
            keeper.apply(CanaryPolicy::Write).expect("apply");
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| host.inside(repair));
            }
        });
        assert_eq!(host.generation(), before + 1, "one of them wrote, once");
        let input = host.sh("iptables-nft -S INPUT");
        assert_eq!(input.matches("-j KUBE-FIREWALL").count(), 1, "{input}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_an_error_and_no_panic() {
    let host = Host::new();
    let said = host.try_sh(&format!("{} render >/dev/full", PROGRAM));
    assert_eq!(said.code, 5, "{}", said.stderr);
    assert!(said.stderr.contains("cannot write the result"), "{}", said.stderr);
}

#[test]
fn the_journal_tells_more_when_asked_twice() {
    let host = Host::new();
    assert_eq!(host.ck("diff").stderr, "");
    let said = host.ck("apply -vv");
    assert!(said.stderr.contains("looked at generation Some(1)"), "{}", said.stderr);
    assert!(said.stderr.contains("ip6: create chain nat KUBE-MARK-MASQ"), "{}", said.stderr);
}

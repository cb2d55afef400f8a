//! A kube-proxy in iptables mode, which writes some of our chains anew at every sync. What
//! takes `Eyes` is run by `versions` with each iptables.
use super::others::{Eyes, INSTALLED, kube_proxy_syncs, saves};
use super::writes_nothing;
use crate::support::Host;
use serde_json::Value;

const MARK: u32 = 1 << 14;

/// The lines of a save that are about this chain.
fn about<'a>(save: &'a str, chain: &str) -> Vec<&'a str> {
    save.lines().filter(|line| line.contains(chain)).collect()
}

/// The steps of `diff --output json`, both families.
fn steps(host: &Host) -> Vec<String> {
    let text = host.ck("diff --output json").stdout;
    let json: Value = serde_json::from_str(&text).expect("diff prints JSON");
    let families = json["families"].as_object().expect("families").values();
    families.flat_map(|f| f["steps"].as_array().expect("steps")).map(Value::to_string).collect()
}

pub(super) fn a_kube_proxy_that_restores_our_chains_is_not_fought(eyes: Eyes<'_>) {
    let host = eyes.host();
    host.ck_ok("apply", 0);
    kube_proxy_syncs(&host, eyes, MARK);
    let todo = steps(&host);
    assert!(!todo.is_empty(), "the mark-drop rule is gone, and nobody noticed");
    let theirs = |s: &&String| s.contains("KUBE-POSTROUTING") || s.contains("KUBE-MARK-MASQ");
    assert_eq!(todo.iter().find(theirs), None, "{todo:#?}");
}

#[test]
fn beside_a_kube_proxy_the_drop_rule_has_a_chain_of_its_own() {
    for eyes in INSTALLED {
        let host = eyes.host();
        host.ck_ok("apply", 0);
        kube_proxy_syncs(&host, eyes, MARK);
        host.ck_ok("apply", 0);
        let drop = "-A CHAINKEEPER-DROP \
            -m comment --comment \"kubernetes firewall for dropping marked packets\" \
            -m mark --mark 0x8000/0x8000 -j DROP";
        let jumps = ["INPUT", "OUTPUT"].map(|hook| format!("-A {hook} -j CHAINKEEPER-DROP"));
        for save in saves(&host) {
            let wanted = [":CHAINKEEPER-DROP - [0:0]", &jumps[0], &jumps[1], drop];
            assert_eq!(about(&save, "CHAINKEEPER-DROP"), wanted, "{save}");
        }
    }
}

pub(super) fn syncs_of_a_kube_proxy_do_not_set_off_repairs(eyes: Eyes<'_>) {
    let host = eyes.host();
    host.ck_ok("apply", 0);
    kube_proxy_syncs(&host, eyes, MARK);
    host.ck_ok("apply", 0);
    let settled = eyes.saves(&host);
    for round in 1..=3 {
        kube_proxy_syncs(&host, eyes, MARK);
        let writes = host.writes();
        let diff = host.ck_ok("diff", 0);
        assert!(writes_nothing(&diff), "round {round}: {diff}");
        host.ck_ok("apply", 0);
        assert_eq!(host.writes(), writes, "round {round}: apply wrote something");
        assert_eq!(eyes.saves(&host), settled, "round {round}");
    }
}

#[test]
fn what_a_kube_proxy_made_before_us_is_left_by_remove() {
    for eyes in INSTALLED {
        let host = eyes.host();
        kube_proxy_syncs(&host, eyes, MARK);
        let theirs = saves(&host);
        host.ck_ok("apply", 0);
        assert!(saves(&host).iter().all(|save| save.contains(":CHAINKEEPER-DROP")));
        host.ck_ok("remove", 0);
        assert_eq!(saves(&host), theirs);
    }
}

/// kubelet and kube-proxy of different bits overwrite each other for ever; we tell instead.
#[test]
fn a_kube_proxy_of_another_bit_is_reported_and_not_overwritten() {
    for eyes in INSTALLED {
        let host = eyes.host();
        host.ck_ok("apply", 0);
        kube_proxy_syncs(&host, eyes, 1 << 13);
        let masquerading = |host: &Host| {
            let lines = |save: String| {
                let lines = save.lines().filter(|line| {
                    line.contains("KUBE-POSTROUTING") || line.contains("KUBE-MARK-MASQ")
                });
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            saves(host).map(lines)
        };
        let theirs = masquerading(&host);
        assert!(theirs.iter().flatten().any(|line| line.contains("0x2000")), "{theirs:#?}");
        let diff = host.ck_ok("diff", 1);
        for chain in ["KUBE-POSTROUTING", "KUBE-MARK-MASQ"] {
            let conflict = |line: &&str| line.contains(chain) && line.contains("conflict");
            assert_eq!(diff.lines().filter(conflict).count(), 2, "one a family: {diff}");
        }
        let said = host.ck_ok("apply", 5);
        assert!(said.contains("conflict"), "{said}");
        assert_eq!(masquerading(&host), theirs);
        let writes = host.writes();
        host.ck_ok("apply", 5);
        assert_eq!(host.writes(), writes, "the second apply wrote something");
        assert_eq!(masquerading(&host), theirs);
    }
}

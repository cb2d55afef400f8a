//! What is left in the other backend goes, if it is proven ours and nobody needs it.
use super::{
    chains, ends, hint, hinted, kubelet_moves, lose_the_record, recorded, running, says, started,
    whole,
};
use crate::support::{Host, eventually};
use std::thread::sleep;
use std::time::Duration;

/// Applied in `from`, then kubelet moves to `to`.
fn left_behind(from: &str, to: &str) -> Host {
    let host = hinted(from);
    host.ck_ok("apply", 0);
    kubelet_moves(&host, from, to);
    host
}

const BOTH: [(&str, &str); 2] = [("legacy", "nft"), ("nft", "legacy")];

#[test]
fn an_apply_in_the_new_backend_sweeps_the_old_one() {
    for (from, to) in BOTH {
        let host = left_behind(from, to);
        // Of others, with packets counted.
        let rule = "-A INPUT -c 5 300 -p tcp -m tcp --dport 22 -j ACCEPT";
        host.sh(&format!("iptables-{from} {rule}"));
        let text = host.ck_ok("apply", 0);
        assert!(text.contains(&format!("in {from}\n")), "{text}");
        assert!(whole(&host, to));
        assert_eq!(chains(&host, from), [""; 0]);
        let rules = host.sh(&format!("iptables-{from}-save -c"));
        assert!(rules.contains("[5:300] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"), "{rules}");
        assert!(!host.ck_ok("apply", 0).contains(&format!("in {from}")), "there is nothing left");
    }
}

/// What is left there may be all that the host has of what is not kept here.
#[test]
fn where_only_a_part_is_kept_nothing_is_swept() {
    for (from, to) in BOTH {
        let host = left_behind(from, to);
        let before = chains(&host, from);
        host.ck_ok("apply --keep nat", 0);
        let run = started(&host, "--keep nat");
        sleep(Duration::from_millis(500));
        ends(run, 0);
        assert_eq!(chains(&host, from), before);
    }
}

#[test]
fn sweep_none_leaves_everything() {
    for (from, to) in BOTH {
        let host = left_behind(from, to);
        let before = chains(&host, from);
        assert!(!host.ck_ok("apply --sweep none", 0).contains(&format!("in {from}")));
        assert!(whole(&host, to) && chains(&host, from) == before);
        let run = running(&host, to, "--sweep none --on-backend-change follow");
        kubelet_moves(&host, to, from);
        says(&run, "moved from");
        sleep(Duration::from_millis(300));
        assert!(whole(&host, to), "what it left stays");
        ends(run, 0);
    }
}

#[test]
fn what_is_not_proven_ours_stays() {
    let host = left_behind("legacy", "nft");
    let before = host.legacy_tables();
    lose_the_record(&host);
    // What is there may well be kubelet's now, so it must be told.
    host.ck_ok("apply --backend nft", 0);
    assert!(whole(&host, "nft"));
    assert_eq!(host.legacy_tables(), before);
    // In nft it is the mark that proves; a chain that somebody has made anew has none.
    let host = left_behind("nft", "legacy");
    host.sh("iptables-nft -t mangle -X KUBE-KUBELET-CANARY; iptables-nft -t mangle -N KUBE-KUBELET-CANARY");
    host.sh("iptables-legacy -t mangle -N KUBE-KUBELET-CANARY");
    let said = host.ck("apply --backend legacy");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(chains(&host, "nft"), ["ip mangle KUBE-KUBELET-CANARY"]);
}

#[test]
fn kubelets_own_hint_stays() {
    for (from, to) in BOTH {
        let host = hinted(from);
        host.ck_ok("apply", 0);
        // It is in both, and somebody says which of them is meant.
        hint(&host, to, "N");
        host.ck_ok(&format!("apply --backend {to}"), 0);
        let hints = ["ip mangle KUBE-IPTABLES-HINT", "ip6 mangle KUBE-IPTABLES-HINT"];
        assert_eq!(chains(&host, from), hints);
        assert!(whole(&host, to));
    }
}

/// A mark that nobody acts on is worse than none.
#[test]
fn a_chain_that_somebody_jumps_to_stays_with_its_partner() {
    for (from, to) in BOTH {
        let host = left_behind(from, to);
        host.sh(&format!(
            "iptables-{from} -t nat -N CNI-DN-x; iptables-{from} -t nat -A CNI-DN-x -j KUBE-MARK-MASQ"
        ));
        let text = host.ck_ok("apply", 0);
        assert!(text.contains("KUBE-MARK-MASQ") && text.contains("CNI-DN-x jumps to it"), "{text}");
        let left = ["ip nat KUBE-MARK-MASQ", "ip nat KUBE-POSTROUTING"];
        assert_eq!(chains(&host, from), left, "{text}");
        let rules = host.sh(&format!("iptables-{from} -t nat -S"));
        for rule in ["-A KUBE-MARK-MASQ -j MARK", "-A POSTROUTING ", "-j MASQUERADE --random-fully"]
        {
            assert!(rules.contains(rule), "{rule}\n{rules}");
        }
        assert!(whole(&host, to));
        // Once the jump is gone, the next one takes them.
        host.sh(&format!("iptables-{from} -t nat -F CNI-DN-x"));
        host.ck_ok("apply", 0);
        assert_eq!(chains(&host, from), [""; 0]);
    }
}

#[test]
fn remove_takes_both_and_shows_both_before() {
    for (from, to) in BOTH {
        let host = left_behind(from, to);
        host.ck_ok("apply --sweep none", 0);
        let before = (chains(&host, from), chains(&host, to));
        let text = host.ck_ok("remove --dry-run", 0);
        assert!(text.contains(&format!("in {from}\n")), "{text}");
        assert!(before == (chains(&host, from), chains(&host, to)));
        host.ck_ok("remove", 0);
        assert_eq!(chains(&host, from), [""; 0]);
        assert_eq!(chains(&host, to).len(), 2, "kubelet's hints");
    }
}

/// All that kubelet and kube-proxy make in legacy when they come, under names that once were ours.
const KUBELETS: &str = "for i in ip ip6; do t=${i}tables-legacy
     $t -t mangle -N KUBE-IPTABLES-HINT; $t -t mangle -N KUBE-KUBELET-CANARY
     $t -t nat -N KUBE-MARK-MASQ; $t -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
     $t -t nat -N KUBE-POSTROUTING; $t -t nat -A KUBE-POSTROUTING -j RETURN
     $t -t nat -A POSTROUTING -j KUBE-POSTROUTING; done";

const GONE: &str = "for i in ip ip6; do for t in nat filter mangle; do
     ${i}tables-legacy -t $t -F; ${i}tables-legacy -t $t -X; done; done";

#[test]
fn what_is_gone_while_we_live_in_nft_is_kubelets_when_kubelet_makes_it() {
    for by_run in [false, true] {
        let host = left_behind("legacy", "nft");
        host.ck_ok("apply --sweep none", 0);
        assert!(!recorded(&host).is_empty());
        let run = by_run.then(|| running(&host, "nft", "--sweep none"));
        host.sh(GONE);
        match run {
            Some(run) => {
                eventually("the record is clean", || recorded(&host).is_empty());
                host.sh(KUBELETS);
                hint(&host, "nft", "X");
                says(&run, "others use legacy now: KUBE-IPTABLES-HINT is in legacy");
                ends(run, 0);
            }
            None => {
                host.ck_ok("apply --sweep none", 0);
                host.sh(KUBELETS);
                hint(&host, "nft", "X");
            }
        }
        assert_eq!(recorded(&host), [""; 0], "by run: {by_run}");
        let text = host.ck_ok("probe", 0);
        assert!(text.starts_with("legacy KUBE-IPTABLES-HINT is in legacy"), "{text}");
        let before = host.legacy_tables();
        host.ck_ok("remove", 0);
        assert_eq!(host.legacy_tables(), before, "by run: {by_run}");
        assert_eq!(chains(&host, "nft"), [""; 0], "by run: {by_run}");
    }
}

//! The canary: kubelet's smoke alarm while it is ours to hang, and never ours to take down.
use super::{apply_once, kept_host, our_chains};
use crate::support::{EVERYWHERE, Host};

const TABLES: [&str; 3] = ["mangle", "filter", "nat"];

#[test]
fn a_missing_canary_is_pending_and_a_one_shot_apply_writes_it_again() {
    for (on, tool, family) in EVERYWHERE {
        let host = kept_host(on);
        host.sh(&format!("{tool} -t mangle -X KUBE-KUBELET-CANARY"));
        let before = host.writes();
        let text = host.ck_ok("diff", 0);
        assert!(text.contains("= KUBE-KUBELET-CANARY pending: "), "{text}");
        assert!(text.contains("Nothing to write."), "{text}");
        assert_eq!(host.writes(), before);
        apply_once(&host, "");
        assert!(our_chains(&host, family).contains(&"mangle KUBE-KUBELET-CANARY".into()));
        assert!(!host.ck_ok("diff", 0).contains("pending"));
    }
}

#[test]
fn beside_kubelets_canary_we_hang_our_own() {
    for (on, tool, family) in EVERYWHERE {
        let host = Host::of(on);
        let new = TABLES.map(|t| format!("{tool} -t {t} -N KUBE-KUBELET-CANARY"));
        host.sh(&new.join("\n"));
        apply_once(&host, "");
        let chains = our_chains(&host, family);
        for table in TABLES {
            assert!(chains.contains(&format!("{table} CHAINKEEPER-CANARY")), "{chains:?}");
            assert!(chains.contains(&format!("{table} KUBE-KUBELET-CANARY")), "{chains:?}");
        }
        // Theirs is theirs to return: with ours there, nothing is missing.
        host.sh(&format!("{tool} -t mangle -X KUBE-KUBELET-CANARY"));
        let text = super::stays_as_it_is(&host);
        assert!(!text.contains("pending"), "{text}");

        host.ck_ok("remove", 0);
        assert_eq!(
            our_chains(&host, family),
            ["filter KUBE-KUBELET-CANARY", "nat KUBE-KUBELET-CANARY"]
        );
    }
}

#[test]
fn kubelets_canary_in_one_table_does_not_change_the_others() {
    for (on, tool, family) in EVERYWHERE {
        let host = Host::of(on);
        host.sh(&format!("{tool} -t nat -N KUBE-KUBELET-CANARY"));
        apply_once(&host, "");
        let chains = our_chains(&host, family);
        let own: Vec<_> = chains.iter().filter(|c| c.contains("CHAINKEEPER")).collect();
        assert_eq!(own, ["nat CHAINKEEPER-CANARY"]);
    }
}

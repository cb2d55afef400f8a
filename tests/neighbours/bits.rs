//! Whose a rule is that differs from ours only in the mark bit.
use super::{DROP_MARKED, kept_host, rules};
use crate::support::On;

#[test]
fn a_mark_of_their_own_in_our_mark_chain_is_theirs_and_stays() {
    for on in On::BOTH {
        let [tool, _] = on.both_iptables();
        let host = kept_host(on);
        host.by(tool, "$T -t nat -A KUBE-MARK-DROP -j MARK --or-mark 0x1");
        host.ck_ok("diff", 0);
        host.ck_ok("remove", 0);
        let left = rules(&host, tool, "nat", "KUBE-MARK-DROP");
        assert!(left.iter().any(|r| r.ends_with("--set-xmark 0x1/0x1")), "{left:?}");
    }
}

/// `--or-mark` sets a bit, our second rule turns one: not the same rule with another bit.
#[test]
fn a_mark_set_in_kube_postrouting_is_not_our_clear_rule() {
    for on in On::BOTH {
        let [tool, _] = on.both_iptables();
        let host = kept_host(on);
        host.by(
            tool,
            "$T -t nat -A KUBE-POSTROUTING -j MARK --set-xmark 0x10/0x10
             $T -t nat -D KUBE-POSTROUTING 2",
        );
        host.ck_ok("apply", 0);
        let left = rules(&host, tool, "nat", "KUBE-POSTROUTING");
        assert!(left[3].ends_with("--set-xmark 0x10/0x10"), "{left:?}");
        host.ck_ok("remove", 0);
        assert!(host.by(tool, "$T -t nat -S").contains("0x10/0x10"));
    }
}

#[test]
fn remove_with_other_bits_keeps_what_acts_on_a_mark_that_stays() {
    for on in On::BOTH {
        let [tool, _] = on.both_iptables();
        let host = kept_host(on);
        host.ck_ok("remove", 0);
        host.ck_ok("apply --drop-bit 20", 0);
        host.by(tool, "$T -t nat -N CNI-X; $T -t nat -A CNI-X -j KUBE-MARK-DROP");
        host.ck_ok("remove", 0);
        let kept = rules(&host, tool, "filter", "KUBE-FIREWALL");
        assert_eq!(kept, [DROP_MARKED.replace("0x8000", "0x100000")]);
    }
}

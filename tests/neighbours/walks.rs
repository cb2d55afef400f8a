//! Odd things before our jumps, and jumps of ours beside each other.
use super::{apply_once, kept_host, rules};
use crate::support::On;
use crate::support::in_one_line;

/// The register that `meta mark set` loads is no condition: every packet ends there. On nft.
#[test]
fn an_unconditional_native_rule_that_accepts_is_moved_behind() {
    let host = kept_host(On::Nft);
    host.sh("nft insert rule ip filter INPUT meta mark set 1 accept");
    host.ck_ok("diff", 1);
    apply_once(&host, "");
    let listing = host.sh("nft list chain ip filter INPUT");
    let at = |words: &str| listing.find(words).expect("in the chain");
    assert!(at("jump KUBE-FIREWALL") < at("accept\n"), "{listing}");
}

#[test]
fn a_jump_to_a_chain_whose_name_is_no_text_blocks_nothing() {
    for on in On::BOTH {
        let [tool, _] = on.both_iptables();
        let host = kept_host(on);
        host.by(
            tool,
            r#"odd=$(printf 'a\377')
               $T -t nat -N "$odd"; $T -t nat -I POSTROUTING -j "$odd"
               $T -F KUBE-FIREWALL"#,
        );
        // By its printed name legacy finds it.
        let diff = in_one_line(&host.ck_ok("diff", 1));
        assert_eq!(diff.contains("not judged"), on == On::Nft);
        apply_once(&host, "");
        host.ck_ok("diff", 0);
    }
}

#[test]
fn a_jump_like_ours_with_another_comment_does_not_hide_what_stands_between() {
    for on in On::BOTH {
        let [tool, _] = on.both_iptables();
        let host = kept_host(on);
        host.by(
            tool,
            "$T -t nat -N FOO; $T -t nat -A FOO -j ACCEPT
             $T -t nat -I POSTROUTING -j FOO
             $T -t nat -I POSTROUTING -p tcp -m comment --comment x -j KUBE-POSTROUTING",
        );
        apply_once(&host, "");
        assert!(rules(&host, tool, "nat", "POSTROUTING")[0].contains("kubernetes postrouting"));
    }
}

/// Whichever stood first, the other would be the unreached one: they must not swap for ever.
#[test]
fn two_chains_of_ours_that_somebody_made_end_packets_do_not_swap_their_jumps() {
    for on in On::BOTH {
        let [tool, _] = on.both_iptables();
        let host = kept_host(on);
        host.by(tool, "$T -t mangle -N KUBE-PROXY-CANARY");
        host.ck_ok("apply", 0);
        host.by(tool, "for c in KUBE-FIREWALL CHAINKEEPER-DROP; do $T -A $c -j ACCEPT; done");
        let before = host.writes();
        for words in ["apply", "apply --jump-position first", "apply --jump-position first"] {
            let text = host.ck_ok(words, 0);
            assert!(text.contains("stands in a chain of ours"), "{text}");
        }
        assert_eq!(host.writes(), before);
        host.by(tool, "$T -D INPUT -j KUBE-FIREWALL");
        apply_once(&host, "");
        host.ck_ok("diff", 0);
    }
}

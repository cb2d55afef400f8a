//! `remove` beside others: what somebody still needs stays, whole and hooked, and is named.
use super::{
    CLEAR, DROP_MARKED, MASQUERADE, NFT_ONLY, RETURN, TO_POSTROUTING, chains, kept_host,
    our_chains, rules,
};
use crate::support::in_one_line;
use crate::support::{EVERYWHERE, Host, On};

/// KUBE-MARK-MASQ and what acts on its mark are there, with all rules; the rest is gone.
fn assert_only_masquerading_is_left(host: &Host, tool: &str, family: &str) {
    assert_eq!(our_chains(host, family), ["nat KUBE-MARK-MASQ", "nat KUBE-POSTROUTING"]);
    let mark = ["-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"];
    assert_eq!(rules(host, tool, "nat", "KUBE-MARK-MASQ"), mark);
    assert_eq!(rules(host, tool, "nat", "KUBE-POSTROUTING"), [RETURN, CLEAR, MASQUERADE]);
    assert_eq!(rules(host, tool, "nat", "POSTROUTING"), [TO_POSTROUTING]);
    assert_eq!(rules(host, tool, "filter", "INPUT"), [""; 0]);
    assert_eq!(rules(host, tool, "filter", "OUTPUT"), [""; 0]);
}

fn assert_other_family_is_gone(host: &Host, family: &str) {
    let other = if family == "ip" { "ip6" } else { "ip" };
    assert_eq!(our_chains(host, other), [""; 0]);
}

#[test]
fn a_chain_that_a_rule_jumps_to_stays_with_what_acts_on_its_mark() {
    for (on, tool, family) in EVERYWHERE {
        let host = kept_host(on);
        host.sh(&format!(
            "{tool} -t nat -N CNI-DN-x
             {tool} -t nat -A CNI-DN-x -p tcp --dport 80 -j KUBE-MARK-MASQ"
        ));
        let text = host.ck_ok("remove", 0);
        let kept = format!("{family:3}  kept nat KUBE-MARK-MASQ: CNI-DN-x jumps to it, 1 rule: ");
        assert!(text.contains(&kept), "{text}");
        assert!(
            text.contains(&format!("{family:3}  kept nat KUBE-POSTROUTING: KUBE-MARK-MASQ stays")),
            "{text}"
        );
        assert_only_masquerading_is_left(&host, tool, family);
        assert_other_family_is_gone(&host, family);

        // A second remove has nothing to take, and says again what stays.
        let before = host.writes();
        let text = host.ck_ok("remove", 0);
        assert!(text.contains(&kept), "{text}");
        assert_eq!(host.writes(), before);

        // When the last rule that needs them is gone, they go.
        host.sh(&format!("{tool} -t nat -F CNI-DN-x"));
        host.ck_ok("remove", 0);
        assert_eq!(our_chains(&host, family), [""; 0]);
    }
}

/// On nft: legacy has no maps.
#[test]
fn a_chain_that_a_verdict_map_jumps_to_stays_too() {
    for (tool, family) in NFT_ONLY {
        let host = kept_host(On::Nft);
        host.sh(&format!(
            "nft 'add map {family} nat m {{ type inet_service : verdict; \
                  elements = {{ 80 : jump KUBE-MARK-MASQ }}; }}'"
        ));
        let text = host.ck_ok("remove", 0);
        assert!(
            text.contains("kept nat KUBE-MARK-MASQ: a verdict map jumps to it, 1 rule"),
            "{text}"
        );
        assert_eq!(our_chains(&host, family), ["nat KUBE-MARK-MASQ", "nat KUBE-POSTROUTING"]);
        assert_other_family_is_gone(&host, family);
        host.sh(&format!("nft delete map {family} nat m"));
        assert_only_masquerading_is_left(&host, tool, family);
        host.ck_ok("remove", 0);
        assert_eq!(our_chains(&host, family), [""; 0]);
    }
}

#[test]
fn a_drop_mark_that_somebody_sets_is_still_acted_on() {
    for (on, tool, family) in EVERYWHERE {
        let host = kept_host(on);
        host.sh(&format!(
            "{tool} -t nat -N THEIRS; {tool} -t nat -A THEIRS -p tcp --dport 81 -g KUBE-MARK-DROP"
        ));
        let text = host.ck_ok("remove", 0);
        assert!(text.contains("kept nat KUBE-MARK-DROP: THEIRS jumps to it"), "{text}");
        assert!(text.contains("kept filter KUBE-FIREWALL: KUBE-MARK-DROP stays"), "{text}");
        assert_eq!(our_chains(&host, family), ["filter KUBE-FIREWALL", "nat KUBE-MARK-DROP"]);
        // The localnet rule has nothing to do with the mark and goes.
        assert_eq!(rules(&host, tool, "filter", "KUBE-FIREWALL"), [DROP_MARKED]);
        for hook in ["INPUT", "OUTPUT"] {
            let jump = format!("-A {hook} -j KUBE-FIREWALL");
            assert_eq!(rules(&host, tool, "filter", hook), [jump]);
        }
        let mark = ["-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000"];
        assert_eq!(rules(&host, tool, "nat", "KUBE-MARK-DROP"), mark);
        assert_eq!(rules(&host, tool, "nat", "POSTROUTING"), [""; 0]);
        assert_other_family_is_gone(&host, family);
    }
}

#[test]
fn a_chain_with_a_rule_of_somebody_else_stays_and_stays_hooked() {
    for (on, tool, family) in EVERYWHERE {
        let host = kept_host(on);
        host.sh(&format!("{tool} -A KUBE-FIREWALL -p tcp --dport 9 -j ACCEPT"));
        let text = host.ck_ok("remove", 0);
        assert!(
            text.contains("kept filter KUBE-FIREWALL: it holds a rule that is not ours"),
            "{text}"
        );
        let theirs = ["-A KUBE-FIREWALL -p tcp -m tcp --dport 9 -j ACCEPT"];
        assert_eq!(rules(&host, tool, "filter", "KUBE-FIREWALL"), theirs);
        assert_eq!(rules(&host, tool, "filter", "INPUT"), ["-A INPUT -j KUBE-FIREWALL"]);
        assert_eq!(our_chains(&host, family), ["filter KUBE-FIREWALL"]);
    }
}

/// The same words as our jump's, in a hook that we do not use; and ours with a condition.
#[test]
fn a_jump_of_theirs_that_looks_like_ours_keeps_the_chain() {
    for (on, tool, family) in EVERYWHERE {
        for (hook, more) in [("FORWARD", ""), ("INPUT", "-i eth7 ")] {
            let host = kept_host(on);
            let theirs = format!("-A {hook} {more}-j KUBE-FIREWALL");
            host.sh(&format!("{tool} {theirs}"));
            let text = host.ck_ok("remove", 0);
            let kept = format!("kept filter KUBE-FIREWALL: {hook} jumps to it, 1 rule: ");
            assert!(text.contains(&kept), "{text}");
            assert!(rules(&host, tool, "filter", hook).contains(&theirs), "{text}");
            let ours = ["-A OUTPUT -j KUBE-FIREWALL"];
            assert_eq!(rules(&host, tool, "filter", "OUTPUT"), ours, "{text}");
            assert_eq!(our_chains(&host, family), ["filter KUBE-FIREWALL"]);
        }
    }
}

#[test]
fn a_dry_run_takes_nothing() {
    for on in On::BOTH {
        let host = kept_host(on);
        let before = (host.writes(), chains(&host));
        let text = in_one_line(&host.ck_ok("remove --dry-run", 0));
        assert!(text.contains("Nothing was written; `chainkeeper remove` does it."), "{text}");
        assert!(before == (host.writes(), chains(&host)));
    }
}

/// On legacy: a chain has no room for a mark, so the file is all that tells ours from others'.
#[test]
fn without_the_record_nothing_is_proven_ours_and_force_takes_it() {
    let host = kept_host(On::Legacy);
    std::fs::remove_file(host.state()).expect("apply has left its record");
    let before = (host.writes(), chains(&host));
    let text = host.ck_ok("--backend legacy remove", 0);
    assert_eq!(text.matches(" kept ").count(), 16, "{text}");
    assert!(before == (host.writes(), chains(&host)), "{text}");
    // Nor does an apply that finds it all in place make it ours; a canary of our own is hung.
    host.ck_ok("--backend legacy apply", 0);
    host.ck_ok("--backend legacy remove", 0);
    assert!(before.1 == chains(&host));
    host.ck_ok("--backend legacy remove --force", 0);
    for family in ["ip", "ip6"] {
        assert_eq!(our_chains(&host, family), [""; 0]);
    }
}

/// As k3s-killall.sh does, beside a kube-proxy. Neither the mark nor legacy's record outlives a restore (or a
/// reboot); a name does that nobody else uses.
#[test]
fn a_chain_of_a_name_that_is_ours_alone_goes_without_a_mark() {
    for on in On::BOTH {
        let host = Host::of(on);
        for tool in on.both_iptables() {
            host.sh(&format!("{tool} -t mangle -N KUBE-PROXY-CANARY"));
        }
        host.ck_ok("apply", 0);
        for tool in on.both_iptables() {
            host.sh(&format!("{tool}-save | grep -v KUBE- | {tool}-restore"));
            assert!(host.sh(&format!("{tool}-save")).contains("-A INPUT -j CHAINKEEPER-DROP"));
        }
        if on == On::Legacy {
            std::fs::remove_file(host.state()).expect("apply has left its record");
        }
        let words = format!("--backend {}", on.name());
        host.ck_ok(&format!("{words} apply"), 0);
        host.ck_ok(&format!("{words} remove"), 0);
        for tool in on.both_iptables() {
            let left = host.sh(&format!("{tool}-save"));
            assert!(!left.contains("CHAINKEEPER-") && !left.contains("KUBE-"), "{left}");
        }
    }
}

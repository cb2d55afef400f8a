//! What others put before our jumps.
use super::{
    COUNTED, NFT_ONLY, apply_once, chain, identity, kept_host, leads_to, load, rules,
    stays_as_it_is,
};
use crate::support::in_one_line;
use crate::support::{EVERYWHERE, Host, On};

const OURS: &str = "-A INPUT -j KUBE-FIREWALL";

fn input(host: &Host, tool: &str) -> Vec<String> {
    rules(host, tool, "filter", "INPUT")
}

/// A kept host on which this was done with each `$T` an iptables command.
fn after(on: On, tool: &str, script: &str) -> Host {
    let host = kept_host(on);
    host.by(tool, script);
    host
}

/// Our jump is moved to the front in one commit; the others keep their places, handles and counters.
fn assert_moved_to_the_front(host: &Host, tool: &str, family: &str, by: &str) {
    let filter = format!("{family} filter");
    let theirs = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|l| !leads_to(l, "KUBE-FIREWALL")).collect()
    };
    let before = theirs(chain(host, &filter, "INPUT"));
    let text = host.ck_ok("diff", 1);
    assert!(text.contains(&format!("(first: {by} ends packets before it)")), "{text}");
    apply_once(host, "");
    let now = input(host, tool);
    assert_eq!(now.iter().position(|r| r == OURS), Some(0), "{now:#?}");
    assert_eq!(now.iter().filter(|r| *r == OURS).count(), 1, "{now:#?}");
    assert_eq!(theirs(chain(host, &filter, "INPUT")), before);
}

#[test]
fn a_jump_behind_an_unconditional_verdict_moves_to_the_front() {
    for (on, tool, family) in EVERYWHERE {
        for verdict in ["ACCEPT", "DROP", "RETURN"] {
            let host = after(on, tool, &format!("$T -I INPUT 1 {COUNTED} -j {verdict}"));
            assert_moved_to_the_front(&host, tool, family, &format!("INPUT -j {verdict}"));
        }
    }
}

#[test]
fn a_jump_behind_a_chain_that_ends_every_packet_moves_to_the_front() {
    for (on, tool, family) in EVERYWHERE {
        let host = after(on, tool, "$T -N Z; $T -A Z -p tcp; $T -A Z -j ACCEPT; $T -I INPUT -j Z");
        assert_moved_to_the_front(&host, tool, family, "Z -j ACCEPT");
        // The same one chain further, on nft natively.
        let drop = match on {
            On::Nft => &format!("nft add rule {family} filter Y counter drop"),
            On::Legacy => "$T -A Y -j DROP",
        };
        let script = format!("$T -N Z; $T -N Y; $T -A Z -j Y; $T -I INPUT -j Z; {drop}");
        let host = after(on, tool, &script);
        assert_moved_to_the_front(&host, tool, family, "Y -j DROP");
        // A goto from a built-in chain never comes back, whatever the chain does.
        let host = after(on, tool, "$T -N Z; $T -A Z -j RETURN; $T -I INPUT -g Z");
        assert_moved_to_the_front(&host, tool, family, "INPUT -g Z");
    }
}

#[test]
fn a_jump_behind_chains_that_come_back_is_left() {
    for (on, tool, _) in EVERYWHERE {
        for script in [
            "$T -N Z; $T -A Z -j RETURN; $T -A Z -j DROP; $T -I INPUT -j Z",
            "$T -N Z; $T -I INPUT -j Z",
            "$T -N Z; $T -N Y; $T -A Y -j RETURN; $T -A Z -g Y; $T -A Z -j DROP; $T -I INPUT -j Z",
        ] {
            let host = after(on, tool, script);
            let text = stays_as_it_is(&host);
            assert!(!text.contains("KUBE-FIREWALL"), "{script}\n{text}");
        }
    }
}

#[test]
fn a_conditional_verdict_above_is_reported_and_moved_only_when_asked() {
    for (on, tool, _) in EVERYWHERE {
        let host = after(on, tool, "$T -I INPUT -p tcp --dport 22 -j ACCEPT");
        let text = in_one_line(&stays_as_it_is(&host));
        let words = "INPUT some packets do not reach the jump to KUBE-FIREWALL: INPUT ";
        assert!(text.contains(words) && text.contains("-j ACCEPT"), "{text}");

        apply_once(&host, "--jump-position first");
        let theirs = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT";
        assert_eq!(input(&host, tool), [OURS, theirs]);
        host.ck_ok("apply --jump-position first", 0);
        assert_eq!(input(&host, tool), [OURS, theirs]);

        // The same inside a chain that every packet enters.
        let host =
            after(on, tool, "$T -N Z; $T -A Z -p tcp --dport 22 -j ACCEPT; $T -I INPUT -j Z");
        let text = in_one_line(&stays_as_it_is(&host));
        assert!(text.contains("do not reach the jump to KUBE-FIREWALL: Z "), "{text}");
        apply_once(&host, "--jump-position first");
        assert_eq!(input(&host, tool), [OURS, "-A INPUT -j Z"]);
    }
}

/// Whatever chain they go to, from a built-in chain they do not come back.
#[test]
fn a_conditional_goto_above_is_reported() {
    for (on, tool, _) in EVERYWHERE {
        let host = after(on, tool, "$T -N Z; $T -I INPUT -p tcp --dport 22 -g Z");
        let text = in_one_line(&stays_as_it_is(&host));
        assert!(text.contains("do not reach the jump to KUBE-FIREWALL: INPUT "), "{text}");
        apply_once(&host, "--jump-position first");
        assert_eq!(input(&host, tool)[0], OURS);
    }
}

/// Not read that far, but not passed over in silence either. On nft: legacy has no maps.
#[test]
fn a_verdict_map_above_is_reported() {
    for (_, family) in NFT_ONLY {
        let host = kept_host(On::Nft);
        let map = "tcp dport vmap { 22 : accept, 23 : drop }";
        host.sh(&format!("nft 'insert rule {family} filter INPUT {map}'"));
        let text = stays_as_it_is(&host);
        assert!(text.contains("INPUT") && text.contains("KUBE-FIREWALL"), "{text}");
    }
}

#[test]
fn a_jump_at_a_lower_place_after_harmless_rules_is_accepted() {
    for (on, tool, _) in EVERYWHERE {
        let script =
            "$T -I INPUT -m comment --comment hi; $T -I INPUT -p tcp; $T -I INPUT -i lo -j LOG
                      $T -t nat -I POSTROUTING -m comment --comment hi";
        let host = after(on, tool, script);
        let text = stays_as_it_is(&host);
        assert_eq!(text, "ip in sync\nip6 in sync\nNothing to write.\n");
        assert_eq!(input(&host, tool)[3], OURS);
    }
}

/// On legacy ours is taken out by its text, and so with its counter; theirs between keeps its own.
#[test]
fn duplicates_of_a_jump_are_thinned_to_the_first() {
    for (on, tool, family) in EVERYWHERE {
        let host = kept_host(on);
        let input_chain = || chain(&host, &format!("{family} filter"), "INPUT");
        let first = || (on == On::Nft).then(|| identity(&input_chain(), "jump KUBE-FIREWALL"));
        let before = first();
        let more = format!("$T -A INPUT -j KUBE-FIREWALL; $T -A INPUT {COUNTED} -i lo");
        host.by(tool, &format!("{more}; $T -A INPUT -j KUBE-FIREWALL"));
        let theirs = identity(&input_chain(), "lo");
        apply_once(&host, "");
        assert_eq!(input(&host, tool), [OURS, "-A INPUT -i lo"]);
        assert_eq!(first(), before);
        assert_eq!(identity(&input_chain(), "lo"), theirs);
    }
}

/// In nf_tables a chain is not read much farther than to our jump, but by `remove`.
#[test]
fn a_copy_of_a_jump_far_behind_it_is_left_until_a_removal() {
    for (tool, lines, copies) in
        [("iptables-nft", 5, 1), ("iptables-nft", 20, 2), ("iptables-legacy", 20, 1)]
    {
        let on = if tool.ends_with("nft") { On::Nft } else { On::Legacy };
        let host = kept_host(on);
        let between = |port| format!("-A INPUT -p tcp --dport {port} -j ACCEPT");
        let mut rules: Vec<String> = (1..=lines).map(between).collect();
        rules.push("-A INPUT -j KUBE-FIREWALL".into());
        load(&host, &format!("{tool}-restore --noflush"), &rules, ["*filter\n", "COMMIT\n"]);
        host.ck_ok("apply", 0);
        let ours = || input(&host, tool).iter().filter(|rule| *rule == OURS).count();
        assert_eq!(ours(), copies, "{tool}, {lines} rules between");
        host.ck_ok("remove", 0);
        assert_eq!((ours(), input(&host, tool).len()), (0, lines));
    }
}

#[test]
fn a_second_jump_that_is_conditional_is_not_a_duplicate() {
    for (on, tool, _) in EVERYWHERE {
        let host = after(on, tool, "$T -A INPUT -i eth7 -j KUBE-FIREWALL");
        stays_as_it_is(&host);
        assert_eq!(input(&host, tool), [OURS, "-A INPUT -i eth7 -j KUBE-FIREWALL"]);
    }
}

#[test]
fn a_conditional_jump_far_before_ours_is_not_taken_for_it() {
    for (on, tool, _) in EVERYWHERE {
        let host = kept_host(on);
        let theirs = |port| format!("-I INPUT -p tcp --dport {port} -j KUBE-FIREWALL");
        let lines: Vec<String> = (1..=20).map(theirs).collect();
        load(&host, &format!("{tool}-restore --noflush"), &lines, ["*filter\n", "COMMIT\n"]);
        stays_as_it_is(&host);
        assert_eq!(input(&host, tool).iter().filter(|rule| *rule == OURS).count(), 1);
    }
}

/// A chain with that many rules that end nothing, and every packet enters it before our jump.
fn behind_a_long_chain(on: On, tool: &str, rules: usize) -> Host {
    let host = after(on, tool, "$T -N LONG; $T -I INPUT -j LONG");
    let rule = |port| format!("-A LONG -p tcp --dport {port} -j RETURN");
    let lines: Vec<String> = (1..=rules).map(rule).collect();
    load(&host, &format!("{tool}-restore --noflush"), &lines, ["*filter\n", "COMMIT\n"]);
    host
}

#[test]
fn what_stands_behind_a_thousand_rules_is_not_judged() {
    for (on, tool, _) in EVERYWHERE {
        let text = in_one_line(&stays_as_it_is(&behind_a_long_chain(on, tool, 900)));
        assert!(!text.contains("not judged"), "{text}");
        let text = in_one_line(&stays_as_it_is(&behind_a_long_chain(on, tool, 1100)));
        let words = "jump to KUBE-FIREWALL not judged: more than 1000 rules stand before it";
        assert!(text.contains(words), "{text}");
    }
}

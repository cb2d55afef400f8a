//! Foreign rules, many or between ours: same handles where there are any, same counters, same order.
use super::{
    CLEAR, COUNTED, MASQUERADE, RETURN, apply_once, chain, chains, identity, kept_host, leads_to,
    load, rules, stays_as_it_is,
};
use crate::support::in_one_line;
use crate::support::{EVERYWHERE, Host, On, Scratch};
use std::collections::BTreeMap;

type Chains = BTreeMap<(String, String), Vec<String>>;

/// What others have: every chain that is not ours, without our jumps and without the chains that
/// are not in `known`.
fn others(host: &Host, known: Option<&Chains>) -> Chains {
    let mut all = chains(host);
    all.retain(|key, _| !key.1.starts_with("KUBE-") && known.is_none_or(|k| k.contains_key(key)));
    all.values_mut().for_each(|lines| lines.retain(|l| !leads_to(l, "KUBE-")));
    all
}

fn assert_others_unchanged(before: &Chains, host: &Host, when: &str) {
    let now = others(host, Some(before));
    // Not assert_eq: ten thousand lines help nobody.
    let first = before.iter().find(|(key, lines)| now.get(*key) != Some(lines));
    if let Some((key, was)) = first {
        let is = now.get(key).cloned().unwrap_or_default();
        let at = was.iter().zip(&is).find(|(a, b)| a != b);
        panic!("{when}: {key:?}: {} -> {} lines, {at:?}", was.len(), is.len());
    }
}

/// Four chains: two of their own, INPUT and nat OUTPUT.
const THEIRS: [(&str, &str, usize); 4] = [
    ("filter", "THEIRS-A", 2000),
    ("filter", "INPUT { type filter hook input priority 0; policy accept; }", 500),
    ("nat", "THEIRS-B", 2000),
    ("nat", "OUTPUT { type nat hook output priority -100; policy accept; }", 500),
];

/// 5,000 rules that have counted 5 packets each, for nft: ip6tables-nft-restore 1.8.9 forgets the
/// counters that it is given.
fn five_thousand(family: &str, net: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (table, chain, rules) in THEIRS {
        lines.push(format!("add table {family} {table}; add chain {family} {table} {chain}"));
        let chain = chain.split(' ').next().expect("split gives one at least");
        for port in 1..=rules {
            let end = ["accept", "return"][port % 2];
            let from = format!("{family} saddr {net}{}", port % 250);
            lines.push(format!(
                "add rule {family} {table} {chain} {from} tcp dport {port} \
                 counter packets 5 bytes 300 {end}"
            ));
        }
    }
    lines
}

/// The same 5,000 as text for legacy.
fn five_thousand_saved(net: &str) -> String {
    let mut text = String::new();
    for (table, chain, rules) in THEIRS {
        let chain = chain.split(' ').next().expect("split gives one at least");
        let policy = if chain.starts_with("THEIRS") { "-" } else { "ACCEPT" };
        text += &format!("*{table}\n:{chain} {policy} [0:0]\n");
        for port in 1..=rules {
            let (end, from) = (["ACCEPT", "RETURN"][port % 2], format!("{net}{}", port % 250));
            let rule = format!("-A {chain} -s {from} -p tcp --dport {port} -j {end}");
            text += &format!("[5:300] {rule}\n");
        }
        text += "COMMIT\n";
    }
    text
}

#[test]
fn five_thousand_foreign_rules_keep_handles_and_counters() {
    for (on, tool, family) in EVERYWHERE {
        let net = if family == "ip" { "10.9.8." } else { "fd00::" };
        let host = Host::of(on);
        match on {
            On::Nft => load(&host, "nft -f -", &five_thousand(family, net), ["", ""]),
            On::Legacy => {
                let file =
                    Scratch::new(&format!("five-thousand-{family}"), &five_thousand_saved(net));
                host.sh(&format!("{tool}-restore --noflush --counters < '{}'", file.path()));
            }
        }
        let before = others(&host, None);
        let counted = ["packets 5 bytes 300", "[5:300] -A "];
        let counted = |l: &&String| counted.iter().any(|c| l.contains(c));
        assert_eq!(before.values().flatten().filter(counted).count(), 5000);

        host.ck_ok("apply", 0);
        assert_others_unchanged(&before, &host, "apply");

        let damage = "$T -D INPUT -j KUBE-FIREWALL; $T -F KUBE-FIREWALL
             $T -t nat -D KUBE-POSTROUTING 1; $T -t nat -F KUBE-MARK-MASQ";
        host.by(tool, damage);
        apply_once(&host, "");
        assert_others_unchanged(&before, &host, "repair");

        host.ck_ok("remove", 0);
        assert_others_unchanged(&before, &host, "remove");
    }
}

#[test]
fn a_verdict_between_ours_ends_up_after_them_with_its_handle() {
    for (on, tool, family) in EVERYWHERE {
        let net = if family == "ip" { "10.0.0.0/8" } else { "fd00::/8" };
        for theirs in ["-j RETURN".to_owned(), format!("-s {net} -j MASQUERADE")] {
            let host = kept_host(on);
            let nat = format!("{family} nat");
            let ours = chain(&host, &nat, "KUBE-POSTROUTING");
            host.by(tool, &format!("$T -t nat -I KUBE-POSTROUTING 2 {COUNTED} {theirs}"));
            let new = |l: &&String| !ours.contains(l);
            let listing = chain(&host, &nat, "KUBE-POSTROUTING");
            let inserted = listing.iter().find(new).expect("the rule is there").clone();

            let text = host.ck_ok("diff", 1);
            assert!(text.contains("rewritten: a foreign rule stands between ours: "), "{text}");
            apply_once(&host, "");

            let found = rules(&host, tool, "nat", "KUBE-POSTROUTING");
            let last = format!("-A KUBE-POSTROUTING {theirs}");
            assert_eq!(found, [RETURN, CLEAR, MASQUERADE, &last]);
            let listing = chain(&host, &nat, "KUBE-POSTROUTING");
            assert!(listing.contains(&inserted), "{inserted} is not in {listing:#?}");
        }
    }
}

#[test]
fn a_rule_that_only_counts_may_stand_between_ours() {
    for (on, tool, _) in EVERYWHERE {
        let host = kept_host(on);
        host.sh(&format!("{tool} -t nat -I KUBE-POSTROUTING 2 -m comment --comment hi"));
        let text = stays_as_it_is(&host);
        assert!(text.contains("KUBE-POSTROUTING    1 foreign rule among ours, kept"), "{text}");
    }
}

#[test]
fn rules_before_and_after_ours_are_left_and_counted() {
    for (on, tool, family) in EVERYWHERE {
        let host = kept_host(on);
        let add = format!("{tool} -t nat -A KUBE-MARK-MASQ -p tcp -j MARK --or-mark 1");
        host.sh(&format!(
            "{tool} -t nat -I KUBE-MARK-MASQ {COUNTED} -p udp -j RETURN; {add}; {add}"
        ));
        let text = in_one_line(&stays_as_it_is(&host));
        let words = "1 foreign rule before ours, 2 foreign rules after ours, kept";
        assert!(text.contains(words), "{text}");

        // A lost rule of ours does not take theirs along.
        let nat = format!("{family} nat");
        let theirs = identity(&chain(&host, &nat, "KUBE-MARK-MASQ"), "return");
        host.sh(&format!("{tool} -t nat -D KUBE-MARK-MASQ 2"));
        apply_once(&host, "");
        assert_eq!(identity(&chain(&host, &nat, "KUBE-MARK-MASQ"), "return"), theirs);
        assert_eq!(rules(&host, tool, "nat", "KUBE-MARK-MASQ").len(), 4);
    }
}

/// As a terminal would be sent it. Names and comments may hold any byte.
#[test]
fn names_and_comments_of_others_are_no_commands_to_a_terminal() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    host.sh(r#"bad=$(printf 'a\033[2J\302\233b\342\200\256')
        iptables-nft -N "$bad"; iptables-nft -A "$bad" -j DROP
        iptables-nft -I INPUT -j "$bad"; iptables-nft -I KUBE-FIREWALL 2 -j "$bad""#);
    for words in ["diff", "diff --output json", "apply"] {
        let said = host.ck_under("env CLICOLOR_FORCE=1", words);
        let escaped = if words.contains("json") { r"\u009bb\u202e" } else { r"\u{9b}b\u{202e}" };
        let text = said.stdout + &said.stderr;
        assert!(words == "apply" || text.contains(escaped), "{text:?}");
        assert!(!text.contains("\x1b[2J") && !text.contains(['\u{9b}', '\u{202e}']), "{text:?}");
    }
}

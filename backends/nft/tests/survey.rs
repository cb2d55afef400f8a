//! What others have, on a real kernel: each case in a network namespace of its own, with nft and
//! iptables-nft as the others.
mod support;

use chainkeeper_contract::testing::full;
use chainkeeper_contract::{
    Action, Backend, ChainName, ErrorKind, Family, Handle, Options, Place, Plan, Rule, Scope, Step,
    Survey, Table, Why, diff,
};
use chainkeeper_namespace::feed;
use chainkeeper_nft::{NftBackend, Setup};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use support::in_netns;

/// The survey, after checking that the generation did not move.
fn survey(nft: &mut NftBackend) -> Survey {
    let before = nft.generation().expect("generation");
    let survey = nft.survey().expect("survey");
    assert_eq!(nft.generation(), Ok(before), "looking changed something");
    survey
}

fn counts(survey: &Survey) -> [usize; 2] {
    Family::ALL.map(|family| survey.rules[&family])
}

/// A script for nft.
fn script(text: &str) {
    feed("nft -f -", text);
}

fn run(words: &str) {
    feed(words, "");
}

fn apply_ours(nft: &mut NftBackend) {
    let steps = |family| diff(&full(family), &Default::default(), Options::default()).steps;
    let families = Family::ALL.map(|family| (family, steps(family))).into();
    let applied = nft.apply(&Plan { generation: None, families }).expect("apply");
    assert_eq!(applied.commits, 1, "{applied:?}");
}

#[test]
fn an_empty_host_has_nothing() {
    in_netns(|nft| {
        let survey = survey(nft);
        assert_eq!((survey.tables.len(), survey.policies.len()), (0, 0));
        assert_eq!(counts(&survey), [0, 0]);
    });
}

#[test]
fn rules_of_iptables_nft_are_counted_in_all_tables_of_their_family() {
    in_netns(|nft| {
        for rule in ["nat -A POSTROUTING -j MASQUERADE", "filter -A INPUT -j ACCEPT"] {
            run(&format!("iptables-nft -t {rule}"));
        }
        run("iptables-nft -t filter -N DOCKER");
        run("iptables-nft -t filter -A FORWARD -j DOCKER");
        run("ip6tables-nft -t mangle -A OUTPUT -j MARK --set-mark 1");
        let survey = survey(nft);
        assert_eq!(survey.tables, ["ip filter", "ip nat", "ip6 mangle"]);
        assert_eq!(counts(&survey), [3, 1]);
        assert!(survey.policies.is_empty(), "{survey:?}");
    });
}

#[test]
fn our_own_chains_and_the_jumps_to_them_do_not_count() {
    in_netns(|nft| {
        apply_ours(nft);
        let seen = survey(nft);
        assert_eq!(counts(&seen), [0, 0], "{seen:?}");
        assert_eq!(seen.tables.len(), 6, "our tables are there: {seen:?}");
        // In a chain of ours and to one, by whomever; then one that has nothing to do with us.
        run("iptables-nft -t nat -A KUBE-MARK-MASQ -j RETURN");
        run("iptables-nft -t nat -A PREROUTING -g KUBE-MARK-MASQ");
        assert_eq!(counts(&survey(nft)), [0, 0]);
        run("iptables-nft -t nat -A PREROUTING -j ACCEPT");
        assert_eq!(counts(&survey(nft)), [1, 0]);
    });
}

#[test]
fn a_chain_of_our_name_is_somebody_elses_in_another_table_family_or_without_our_mark() {
    in_netns(|nft| {
        apply_ours(nft);
        script(
            "add table ip other
             add chain ip other KUBE-MARK-MASQ
             add rule ip other KUBE-MARK-MASQ accept
             add chain ip other c
             add rule ip other c jump KUBE-MARK-MASQ",
        );
        assert_eq!(counts(&survey(nft)), [2, 0]);
    });
    in_netns(|nft| {
        run("ip6tables-nft -t nat -N KUBE-MARK-MASQ");
        run("ip6tables-nft -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000");
        run("ip6tables-nft -t nat -A POSTROUTING -j KUBE-MARK-MASQ");
        assert_eq!(counts(&survey(nft)), [0, 2]);
    });
}

#[test]
fn native_tables_are_named_and_their_rules_are_not_counted() {
    in_netns(|nft| {
        script(
            "table inet firewalld {
                chain filter_INPUT {
                    type filter hook input priority 10; policy drop;
                    ct state established,related accept
                    iifname lo accept
                }
             }
             add table netdev n
             add table bridge b
             add table arp filter
             add table ip plain",
        );
        let survey = survey(nft);
        let tables = ["arp filter", "bridge b", "inet firewalld", "ip plain", "netdev n"];
        assert_eq!(survey.tables, tables);
        assert_eq!(counts(&survey), [0, 0]);
        assert!(survey.policies.is_empty(), "{survey:?}");
    });
}

#[test]
fn policies_of_built_in_chains_are_named() {
    in_netns(|nft| {
        run("iptables-nft -t filter -P FORWARD DROP");
        run("iptables-nft -t filter -P INPUT ACCEPT");
        run("ip6tables-nft -t filter -P OUTPUT DROP");
        script(
            "add table ip own
             add chain ip own input { type filter hook input priority 0; policy drop; }
             add chain ip own INPUT",
        );
        let survey = survey(nft);
        assert_eq!(survey.policies, ["ip filter FORWARD", "ip6 filter OUTPUT"]);
        assert_eq!(counts(&survey), [0, 0]);
    });
}

#[test]
fn thousands_of_rules_with_expressions_of_all_sorts_are_counted_to_the_last() {
    in_netns(|nft| {
        let mut text = String::from("table ip big {\n set s { type ipv4_addr; }\n chain c {\n");
        for n in 0..1000 {
            let rule = format!("ip saddr 10.1.{}.{} counter accept", n / 250, n % 250);
            writeln!(text, "{rule}\nip saddr @s tcp dport {} drop", n + 1).expect("text");
            writeln!(text, "meta mark set ct mark and {n} comment \"number {n}\"").expect("text");
        }
        text.push_str("}\n}\n");
        script(&text);
        assert_eq!(counts(&survey(nft)), [3000, 0]);
    });
}

/// Moves one rule to the other table and back, each time in one commit, until told to stop.
fn move_a_rule(nft: &mut NftBackend, stop: &AtomicBool) {
    let chain = || ChainName::from("A");
    let rule = Rule::new(Action::Return);
    let add = |table| {
        let (insert, new, remove) = (vec![rule.clone()], vec![true], vec![]);
        Step::Rewrite {
            table,
            chain: chain(),
            remove,
            insert,
            new,
            place: Place::Last,
            why: Why::Absent,
        }
    };
    let places = [Table::Nat, Table::Mangle];
    let chains = places.map(|table| (table, chain())).into();
    let scope = Scope { families: [Family::Ipv4].into(), chains, ..Scope::default() };
    while !stop.load(Ordering::Relaxed) {
        let seen = nft.observe(&scope).expect("observe").families.remove(&Family::Ipv4);
        let seen = seen.expect("family").expect("readable");
        let rules = places.map(|table| seen.chain(table, &chain()).expect("chain").rules.first());
        let steps = match rules {
            [Some(there), None] => vec![remove(Table::Nat, there.handle), add(Table::Mangle)],
            [None, Some(there)] => vec![remove(Table::Mangle, there.handle), add(Table::Nat)],
            [None, None] | [Some(_), Some(_)] => vec![add(Table::Nat)],
        };
        let plan = Plan { generation: None, families: [(Family::Ipv4, steps)].into() };
        assert_eq!(nft.apply(&plan).expect("apply").commits, 1);
    }
}

fn remove(table: Table, handle: Handle) -> Step {
    Step::Remove { table, chain: "A".into(), handle, rule: Rule::new(Action::Return) }
}

#[test]
fn a_host_that_never_rests_gives_a_whole_survey_or_none() {
    let stop = AtomicBool::new(false);
    in_netns(|nft| {
        let rules = "add rule ip t c accept\n".repeat(3000);
        // The dump goes through the tables in this order: the rule moves behind its back.
        script(&format!(
            "add table ip nat\nadd chain ip nat A\nadd rule ip nat A return
             add table ip t\nadd chain ip t c\n{rules}
             add table ip mangle\nadd chain ip mangle A"
        ));
        let mut writer = NftBackend::open(Setup::default()).expect("netlink");
        let looks: Vec<_> = std::thread::scope(|scope| {
            let stop = &stop;
            scope.spawn(move || move_a_rule(&mut writer, stop));
            let looks = (0..4).map(|_| nft.survey()).collect();
            stop.store(true, Ordering::Relaxed);
            looks
        });
        for look in looks {
            match look {
                Ok(survey) => assert_eq!(counts(&survey), [3001, 0]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
            }
        }
        // What is left in the socket is not taken for an answer.
        assert_eq!(counts(&survey(nft)), [3001, 0]);
    });
}

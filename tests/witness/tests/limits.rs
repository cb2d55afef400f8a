//! What rustables cannot see, shown: who relies on more than this list is told here. When one of these
//! fails, rustables has learned something: ask the witness for it.
use crate::expressions::{chains, commit, rule};
use crate::{both, in_netns, meant, seen};
use chainkeeper_contract::{Family, Place, Table};
use chainkeeper_nft::expr::{Expr, Verdict};
use chainkeeper_nft::write::Encoder;
use rustables::error::{DecodeError, QueryError};
use rustables::{Chain, ChainPolicy, list_chains_for_table, list_rules_for_chain};
use std::process::Command;

/// Two chains, and these rules in the first, in both families.
fn with_rules(rules: Vec<Vec<Expr>>) {
    let rules = rules.into_iter().map(|exprs| rule(exprs, Place::Last));
    commit(Encoder::Pure, &both(&chains().into_iter().chain(rules).collect::<Vec<_>>()));
}

#[test]
fn a_policy_of_drop_is_shown_as_accept() {
    in_netns(|| {
        let mut iptables = Command::new("iptables-nft");
        assert!(iptables.args(["-P", "INPUT", "DROP"]).status().expect("iptables-nft").success());
        let chains = seen::list_chains().expect("chains");
        let input = chains.iter().find(|c| c.get_name().is_some_and(|n| n == "INPUT"));
        assert_eq!(input.and_then(Chain::get_policy), Some(&ChainPolicy::Accept));
    });
}

#[test]
fn flags_of_a_native_masquerade_are_not_shown() {
    in_netns(|| {
        with_rules(vec![vec![Expr::Masq { flags: 0 }], vec![Expr::Masq { flags: 0x10 }]]);
        let rules = seen::list_rules().expect("rules");
        assert_eq!(seen::line(&rules[0]), seen::line(&rules[1]));
    });
}

#[test]
fn a_ct_status_anywhere_fails_the_whole_listing() {
    in_netns(|| {
        with_rules(vec![vec![], vec![Expr::Ct { dreg: 1, key: 2 }]]);
        let why = seen::list_rules().expect_err("it knows ct status");
        let unknown = DecodeError::UnknownConntrackKey(2);
        assert_eq!(format!("{why:?}"), format!("{:?}", QueryError::from(unknown)));
    });
}

/// The kernel's doing: NFT_REG32_00 is the first quarter of NFT_REG_1.
#[test]
fn register_8_is_shown_as_register_1() {
    in_netns(|| {
        let meta = |dreg| vec![Expr::Meta { dreg, key: 3 }];
        with_rules(vec![meta(1), meta(8)]);
        let rules = seen::list_rules().expect("rules");
        assert_eq!(seen::line(&rules[0]), seen::line(&rules[1]));
    });
}

/// Of a chain's handle rustables takes no note; of NFTA_RULE_COMPAT the kernel keeps none.
#[test]
fn handles_of_chains_and_compat_of_rules_are_not_shown() {
    in_netns(|| {
        with_rules(vec![vec![]]);
        let chains = seen::list_chains().expect("chains");
        assert!(!format!("{chains:?}").contains("handle"));
        let rules = seen::list_rules().expect("rules");
        assert!(!format!("{rules:?}").contains("compat"));
    });
}

#[test]
fn rules_of_an_ip6_chain_asked_for_alone_are_those_of_the_ip_chain() {
    in_netns(|| {
        let marked = |verdict| rule(vec![Expr::Immediate(verdict)], Place::Last);
        let rules = [(Family::Ipv4, Verdict::Drop), (Family::Ipv6, Verdict::Accept)];
        let rules = rules.map(|(family, verdict)| (family, marked(verdict)));
        commit(Encoder::Pure, &[both(&chains()), rules.to_vec()].concat());
        let chain = |family| {
            let chain = Chain::new(&meant::table_of(family, Table::Filter)).with_name("CK-A");
            let rules = list_rules_for_chain(&chain).expect("rules");
            rules.iter().map(seen::place).map(|(family, ..)| family).collect::<Vec<_>>()
        };
        assert_eq!(chain(Family::Ipv4), [Family::Ipv4]);
        assert_eq!(chain(Family::Ipv6), [Family::Ipv4]);
    });
}

#[test]
fn chains_of_an_ip_table_asked_for_alone_are_mixed_with_those_of_ip6() {
    in_netns(|| {
        with_rules(vec![]);
        let table = meant::table_of(Family::Ipv4, Table::Filter);
        let mut families: Vec<Family> =
            list_chains_for_table(&table).expect("chains").iter().map(seen::family).collect();
        families.dedup();
        assert_eq!(families, Family::ALL);
    });
}

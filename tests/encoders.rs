//! Both encoders, byte by byte, on every rule that the policy can ask for: each profile, with and without
//! a kube-proxy, in both dialects and families, and all that `remove` looks for.
#![cfg(feature = "nftnl")]
use chainkeeper::config::{Config, parse};
use chainkeeper::policy::{Circumstances, policy, removable};
use chainkeeper_contract::{Family, Place, Rule, Ruleset, Table};
use chainkeeper_nft::read::{Attrs, Body, Messages};
use chainkeeper_nft::write::{Batch, Encoder, Writer};
use chainkeeper_nft::{Dialect, Lowered, Msg, lower};

const NFTA_RULE_EXPRESSIONS: u16 = 4;

/// The expressions of one rule as this encoder writes them.
fn bytes(encoder: Encoder, family: Family, lowered: &Lowered) -> Vec<u8> {
    let Lowered { exprs, comment } = lowered.clone();
    let (table, place) = (Table::Nat, Place::Last);
    let rule = Msg::NewRule { table, chain: "A".into(), exprs, comment, place };
    let messages = [(family, rule)];
    let datagram = encoder.batch(&Batch::new(&messages, None, 1, false).expect("writable"));
    let mut messages = Messages::new(&datagram).map(|m| m.expect("well-formed").body);
    let Some(Body::Object { attrs, .. }) = messages.nth(1) else { panic!("no rule") };
    let mut attrs = Attrs::new(attrs).map(|a| a.expect("well-formed"));
    attrs.find(|a| a.kind == NFTA_RULE_EXPRESSIONS).expect("expressions").value.to_vec()
}

fn rules(set: Ruleset) -> impl Iterator<Item = Rule> {
    let chains = set.chains.into_iter();
    chains.flat_map(|c| c.rules).chain(set.jumps.into_iter().map(|j| j.rule))
}

#[test]
fn every_rule_of_the_policy_is_written_alike() {
    for (dialect, name) in [(Dialect::Xt, "xt"), (Dialect::Native, "native")] {
        for profile in ["auto", "full", "current"] {
            let toml = format!("profile = '{profile}'\ndialect = '{name}'");
            let config: Config = parse("test", &toml).expect("settings").check().expect("config");
            for family in Family::ALL {
                let sets = [false, true].map(|kube_proxy| {
                    policy(
                        &config,
                        Circumstances { kube_proxy, ..Circumstances::default() },
                        family,
                    )
                });
                for rule in sets.into_iter().flat_map(rules) {
                    let lowered = lower(family, dialect, &rule).expect("the policy asks for it");
                    let [ours, theirs] =
                        [Encoder::Pure, Encoder::Nftnl].map(|e| bytes(e, family, &lowered));
                    assert!(ours.len() > 60, "{rule}");
                    assert_eq!(ours, theirs, "{name} {family} {rule}");
                }
                let all = rules(removable(&config, family)).count();
                assert!(all > 9, "{family}: remove knows {all} rules");
            }
        }
    }
}

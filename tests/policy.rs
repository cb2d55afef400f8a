//! The policy against kubelet's own sets: profiles, bits, what stays beside a kube-proxy.
use chainkeeper::config::{Config, parse};
use chainkeeper::policy::{Circumstances, policy, removable};
use chainkeeper_contract::{Family, Ruleset, Table, text};

fn config(toml: &str) -> Config {
    parse("test", toml).expect("settings").check().expect("config")
}

fn alone(toml: &str, family: Family) -> Ruleset {
    policy(&config(toml), Circumstances::default(), family)
}

fn beside_kube_proxy(toml: &str, family: Family) -> Ruleset {
    policy(&config(toml), Circumstances { kube_proxy: true, ..Circumstances::default() }, family)
}

fn lines<'a>(save: &'a str, with: &str) -> Vec<&'a str> {
    save.lines().filter(|l| l.contains(with)).collect()
}

#[test]
fn current_keeps_the_localnet_rule_for_ipv4_and_only_the_hint_for_ipv6() {
    let v4 = text::save(&alone("profile = 'current'", Family::Ipv4));
    assert_eq!(lines(&v4, "-A").len(), 3, "{v4}");
    assert_eq!(lines(&v4, "KUBE-MARK").len(), 0);
    let v6 = alone("profile = 'current'", Family::Ipv6);
    assert_eq!(v6.chains.len(), 1);
    assert_eq!(v6.chains[0].name.as_str(), "KUBE-IPTABLES-HINT");
    assert!(v6.jumps.is_empty());
}

#[test]
fn ipv6_has_the_mark_drop_rule_and_both_jumps_but_no_localnet_rule() {
    let v6 = text::save(&alone("", Family::Ipv6));
    assert_eq!(lines(&v6, "-j KUBE-FIREWALL").len(), 2);
    assert_eq!(lines(&v6, "-A KUBE-FIREWALL").len(), 1);
    assert_eq!(lines(&v6, "localnet").len(), 0);
}

#[test]
fn beside_a_kube_proxy_the_drop_rule_moves_in_profile_auto_only() {
    for family in Family::ALL {
        let save = text::save(&beside_kube_proxy("", family));
        let drops = lines(&save, "--mark 0x8000/0x8000 -j DROP");
        assert_eq!(drops.len(), 1);
        assert!(drops[0].starts_with("-A CHAINKEEPER-DROP"), "{save}");
        assert_eq!(lines(&save, "-j CHAINKEEPER-DROP").len(), 2);
        assert_eq!(lines(&save, "-j KUBE-FIREWALL").len(), 2);
        for profile in ["full", "current"] {
            let toml = format!("profile = '{profile}'");
            assert_eq!(beside_kube_proxy(&toml, family), alone(&toml, family));
        }
    }
}

#[test]
fn other_bits_appear_in_all_four_places() {
    let save = text::save(&alone("masquerade-bit = 0\ndrop-bit = 31", Family::Ipv4));
    assert_eq!(lines(&save, "--set-xmark 0x1/0x1").len(), 1);
    assert_eq!(lines(&save, "! --mark 0x1/0x1 -j RETURN").len(), 1);
    assert_eq!(lines(&save, "--set-xmark 0x1/0x0").len(), 1);
    assert_eq!(lines(&save, "0x80000000").len(), 2);
    assert_eq!(lines(&save, "0x4000").len() + lines(&save, "0x8000/").len(), 0);
}

#[test]
fn switched_off_it_wants_nothing() {
    for family in Family::ALL {
        let set = alone("make-iptables-util-chains = false", family);
        assert_eq!(set, Ruleset::empty(family));
    }
}

#[test]
fn remove_looks_for_everything_that_any_profile_makes() {
    for family in Family::ALL {
        let all = removable(&config(""), family);
        for toml in ["", "profile = 'full'", "profile = 'current'"] {
            for set in [alone(toml, family), beside_kube_proxy(toml, family)] {
                for chain in &set.chains {
                    let found = all.chain(chain.table, &chain.name);
                    let found = found.unwrap_or_else(|| panic!("{} is forgotten", chain.name));
                    for rule in &chain.rules {
                        assert!(found.rules.contains(rule), "{}: {rule}", chain.name);
                    }
                }
                assert!(set.jumps.iter().all(|j| all.jumps.contains(j)));
            }
        }
    }
}

#[test]
fn each_table_has_a_canary_and_each_mark_chain_a_partner() {
    let set = alone("", Family::Ipv4);
    assert_eq!(set.canaries.iter().map(|c| c.table).collect::<Vec<_>>(), Table::ALL);
    let marks: Vec<&str> = set.partners.iter().map(|p| p.marks.1.as_str()).collect();
    assert_eq!(marks, ["KUBE-MARK-MASQ", "KUBE-MARK-DROP"]);
}

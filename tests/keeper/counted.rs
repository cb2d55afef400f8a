//! What rules have counted: told, never mended; and asked for without a trace.
use super::{Kernel, V4, config};
use chainkeeper::policy::{self, Counts};
use chainkeeper::reconcile::Counted;
use chainkeeper_contract::testing::Outside;
use chainkeeper_contract::{Backend, CanaryPolicy, ChainName, Family, Table};

/// Of these, what one kind in one chain has counted.
fn of(counted: &[Counted], family: Family, chain: &str, counts: Counts) -> Vec<(u64, u64)> {
    let is = |c: &&Counted| c.family == family && c.chain.as_str() == chain && c.counts == counts;
    counted.iter().filter(is).map(|c| (c.packets, c.bytes)).collect()
}

#[test]
fn counters_are_told_added_up_and_never_mended() {
    let kernel = Kernel::default();
    let mut keeper = kernel.keeper("");
    let pass = keeper.apply(CanaryPolicy::Write).expect("apply");
    // As verified after the commit: every rule is there, and new.
    assert_eq!(pass.look.counted.len(), 7 + 6, "{:?}", pass.look.counted);
    assert!(pass.look.counted.iter().all(|c| (c.packets, c.bytes) == (0, 0)));
    let postrouting = (V4, Table::Nat, "KUBE-POSTROUTING");
    kernel.fake().count(postrouting, 2, 5, 300);
    kernel.fake().count((V4, Table::Filter, "KUBE-FIREWALL"), 0, u64::MAX, 1);
    let look = keeper.look(CanaryPolicy::Report).expect("look");
    assert!(look.in_sync(), "{look:?}");
    let told = |kind| of(&look.counted, V4, "KUBE-POSTROUTING", kind);
    assert_eq!(told(Counts::Masqueraded), [(5, 300)]);
    assert_eq!(told(Counts::Other), [(0, 0); 2], "RETURN, and the one that clears the mark");
    let firewall = |kind| of(&look.counted, V4, "KUBE-FIREWALL", kind);
    assert_eq!(firewall(Counts::Dropped), [(u64::MAX, 1)]);
    assert_eq!(firewall(Counts::Martian), [(0, 0)]);
    assert_eq!(of(&look.counted, Family::Ipv6, "KUBE-FIREWALL", Counts::Dropped), [(0, 0)]);
    // A copy is counted with the first, a rule of others not at all. A full sum stays full.
    let mut fake = kernel.fake();
    let place = |chain: &str| (V4, ChainName::from(chain));
    let (_, chain) = place("KUBE-POSTROUTING");
    fake.outside(V4, &Outside::Duplicate(Table::Nat, chain.clone(), 2));
    fake.outside(V4, &Outside::Foreign(Table::Nat, chain, 0));
    fake.count(postrouting, 4, 2, 100);
    let (_, chain) = place("KUBE-FIREWALL");
    fake.outside(V4, &Outside::Duplicate(Table::Filter, chain, 0));
    let (_, chain) = place("KUBE-MARK-MASQ");
    fake.outside(V4, &Outside::Flush(Table::Nat, chain));
    drop(fake);
    let counted = keeper.count().expect("it can be read");
    let postrouting = |kind| of(&counted, V4, "KUBE-POSTROUTING", kind);
    // The copy was made with what the first had counted.
    assert_eq!(postrouting(Counts::Masqueraded), [(5 + 5 + 2, 300 + 300 + 100)]);
    assert_eq!(postrouting(Counts::Other).len(), 2);
    assert_eq!(of(&counted, V4, "KUBE-FIREWALL", Counts::Dropped), [(u64::MAX, 2)]);
    assert_eq!(of(&counted, V4, "KUBE-MARK-MASQ", Counts::Other), []);
    let mut labels: Vec<_> =
        counted.iter().map(|c| (c.family, c.table, &c.chain, &c.rule)).collect();
    labels.sort();
    labels.dedup();
    assert_eq!(labels.len(), counted.len(), "{counted:?}");
}

/// Between a look and what the monitor makes of it anybody may ask.
#[test]
fn asking_for_counters_leaves_no_trace() {
    let kernel = Kernel::default();
    let mut keeper = kernel.keeper("");
    assert!(!keeper.count().expect("nothing is there").iter().any(|_| true));
    keeper.apply(CanaryPolicy::Write).expect("apply");
    let generation = kernel.fake().generation().expect("a fake");
    // A hint that was lost waits.
    kernel.fake().outside(V4, &Outside::DeleteChain(Table::Mangle, "KUBE-IPTABLES-HINT".into()));
    keeper.hold_hint(true);
    keeper.look(CanaryPolicy::Report).expect("look");
    let held = keeper.held().clone();
    // A kube-proxy comes: the next look wants something else, and shows it among others.
    kernel.create(Table::Mangle, "KUBE-PROXY-CANARY");
    keeper.count().expect("it can be read");
    assert!(keeper.hint_waited());
    assert_eq!(*keeper.held(), held);
    assert!(!keeper.wants_else());
    keeper.look(CanaryPolicy::Report).expect("look");
    keeper.count().expect("it can be read");
    assert!(keeper.hint_waited());
    assert_ne!(*keeper.held(), held);
    assert!(keeper.wants_else());
    assert!(!keeper.wants_else());
    let after = kernel.fake().generation().expect("a fake").zip(generation).expect("a number");
    assert_eq!(after.0, after.1 + 2, "ours are none of the commits");
}

#[test]
fn a_family_that_cannot_be_read_takes_no_counters_from_the_other() {
    let kernel = Kernel::default();
    let mut keeper = kernel.keeper("");
    keeper.apply(CanaryPolicy::Write).expect("apply");
    kernel.silence(&[V4]);
    let counted = keeper.count().expect("one can be read");
    assert!(!counted.is_empty() && counted.iter().all(|c| c.family == Family::Ipv6));
    let look = keeper.look(CanaryPolicy::Report).expect("look");
    assert_eq!(look.counted, counted);
    kernel.silence(&Family::ALL);
    let error = keeper.count().expect_err("none can");
    assert!(error.to_string().contains("read ip"), "{error}");
    let mut off = kernel.keeper("make-iptables-util-chains = false");
    assert_eq!(off.count().expect("nothing is asked"), []);
}

/// Every rule that some profile wants has its kind, and no two of a chain the same text.
#[test]
fn each_rule_of_every_profile_has_one_kind_and_one_text() {
    for profile in ["full", "auto", "current"] {
        for family in Family::ALL {
            let config = config(&format!("profile = '{profile}'"));
            let set = policy::policy(&config, policy::Circumstances::default(), family);
            let rules = set.chains.iter().flat_map(|c| c.rules.iter().map(move |r| (c, r)));
            for (chain, rule) in rules {
                let text = rule.to_string();
                let kind = match chain.name.as_str() {
                    "KUBE-POSTROUTING" if text.contains("MASQUERADE") => Counts::Masqueraded,
                    "KUBE-FIREWALL" if text.contains("127.0.0.0/8") => Counts::Martian,
                    "KUBE-FIREWALL" => Counts::Dropped,
                    _ => Counts::Other,
                };
                assert_eq!(policy::counts(rule), kind, "{text}");
                assert_eq!(chain.rules.iter().filter(|r| r.to_string() == text).count(), 1);
            }
        }
    }
}

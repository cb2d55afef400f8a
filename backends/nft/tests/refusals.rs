//! Each way in which the kernel can say no, provoked for real: what we make of it, and that nothing
//! was changed.
mod support;

use chainkeeper_contract::testing::full;
use chainkeeper_contract::{
    Action, Backend, BackendError, ChainName, Cond, CtStates, Errno, ErrorKind, Family, Handle,
    Hook, Matches, Options, Place, Plan, Rule, Scope, Step, Table, Why, diff,
};
use chainkeeper_nft::{Dialect, NftBackend, Setup};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use support::in_netns;

const NAT: Table = Table::Nat;

fn plan(steps: Vec<Step>) -> Plan {
    Plan { generation: None, families: BTreeMap::from([(Family::Ipv4, steps)]) }
}

/// The error of a plan for IPv4, after checking that the generation did not move.
fn refused(nft: &mut NftBackend, steps: Vec<Step>) -> BackendError {
    let before = nft.generation();
    let applied = nft.apply(&plan(steps)).expect("the batch itself is taken");
    assert_eq!(applied.commits, 0);
    assert_eq!(nft.generation(), before, "a refused batch changed something");
    applied.families[&Family::Ipv4].clone().expect_err("refused")
}

fn done(nft: &mut NftBackend, steps: Vec<Step>) {
    let applied = nft.apply(&plan(steps)).expect("apply");
    assert!(applied.families[&Family::Ipv4].is_ok(), "{applied:?}");
}

fn chain(name: &str) -> Step {
    Step::CreateChain { table: NAT, chain: name.into() }
}

fn append(chain: &str, rule: Rule) -> Step {
    let (insert, new) = (vec![rule], vec![true]);
    let (place, why, remove) = (Place::Last, Why::Absent, vec![]);
    Step::Rewrite { table: NAT, chain: chain.into(), remove, insert, new, place, why }
}

fn handle_of(nft: &mut NftBackend, name: &str) -> Handle {
    let chains = [(NAT, ChainName::from(name))].into();
    let scope = Scope { families: [Family::Ipv4].into(), chains, ..Scope::default() };
    let seen = nft.observe(&scope).expect("observe").families.remove(&Family::Ipv4);
    let seen = seen.expect("family").expect("readable");
    seen.chain(NAT, &name.into()).expect("chain").handle
}

#[test]
fn a_chain_that_somebody_jumps_to_is_busy() {
    in_netns(|nft| {
        let jump = append("A", Rule::new(Action::Jump("B".into())));
        done(nft, vec![Step::EnsureTable { table: NAT }, chain("A"), chain("B"), jump]);
        let handle = handle_of(nft, "B");
        let error = refused(nft, vec![Step::DeleteChain { table: NAT, chain: "B".into(), handle }]);
        assert_eq!(error.errno(), Some(Errno::BUSY));
        assert!(error.to_string().starts_with("ip: delete chain nat B: in use (EBUSY)"), "{error}");
    });
}

#[test]
fn a_chain_with_a_rule_in_it_is_busy_and_keeps_the_rule() {
    in_netns(|nft| {
        let rule = append("A", Rule::new(Action::Return));
        done(nft, vec![Step::EnsureTable { table: NAT }, chain("A"), rule]);
        let handle = handle_of(nft, "A");
        let error = refused(nft, vec![Step::DeleteChain { table: NAT, chain: "A".into(), handle }]);
        assert_eq!(error.errno(), Some(Errno::BUSY));
    });
}

#[test]
fn a_base_chain_where_a_regular_one_stands_is_not_supported() {
    in_netns(|nft| {
        let hook = Step::EnsureHook { table: NAT, hook: Hook::Postrouting };
        done(nft, vec![Step::EnsureTable { table: NAT }, chain("POSTROUTING")]);
        let error = refused(nft, vec![hook]);
        assert_eq!(error.errno(), Some(Errno::OPNOTSUPP));
    });
}

#[test]
fn a_missing_table_and_a_missing_handle_are_named_with_the_attribute() {
    in_netns(|nft| {
        let error = refused(nft, vec![chain("A")]);
        assert_eq!(error.errno(), Some(Errno::NOENT));
        assert!(error.to_string().contains("create chain nat A"), "{error}");
        done(nft, vec![Step::EnsureTable { table: NAT }, chain("A")]);
        let rule = Rule::new(Action::Return);
        let gone = Step::Remove { table: NAT, chain: "A".into(), handle: Handle(77), rule };
        let error = refused(nft, vec![gone]);
        assert!(error.to_string().ends_with("at rule handle"), "{error}");
    });
}

#[test]
fn a_loop_below_a_hook_is_refused() {
    in_netns(|nft| {
        let jump = |to: &str| Rule::new(Action::Jump(to.into()));
        let hook = Step::EnsureHook { table: NAT, hook: Hook::Postrouting };
        let steps = vec![Step::EnsureTable { table: NAT }, hook, chain("A"), chain("B")];
        done(nft, steps);
        done(nft, vec![append("POSTROUTING", jump("A")), append("A", jump("B"))]);
        let error = refused(nft, vec![append("B", jump("A"))]);
        assert_eq!(error.errno(), Some(Errno::MLINK));
    });
}

#[test]
fn lost_answers_are_busy_not_success() {
    in_netns(|nft| {
        done(nft, vec![Step::EnsureTable { table: NAT }, chain("A")]);
        let before = nft.generation();
        let rule = Rule::new(Action::Return);
        // One error for each: more than the receive buffer holds.
        let step = |n| Step::Remove {
            table: NAT,
            chain: "A".into(),
            handle: Handle(n),
            rule: rule.clone(),
        };
        let error = nft.apply(&plan((1000..9000).map(step).collect())).expect_err("overrun");
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Busy, Some(Errno::NOBUFS)));
        // The socket is usable afterwards, and what was left in it is not taken for an answer.
        assert_eq!(nft.generation(), before);
        done(nft, vec![chain("B")]);
    });
}

#[test]
fn a_batch_beyond_the_default_send_buffer_goes_in_one_piece() {
    in_netns(|nft| {
        done(nft, vec![Step::EnsureTable { table: NAT }, chain("A")]);
        let before = nft.generation().expect("generation").expect("nft");
        let rule = |n: u32| Rule::new(Action::Mark { value: n, mask: n });
        done(nft, (0..1800).map(|n| append("A", rule(n))).collect());
        assert_eq!(nft.generation(), Ok(Some(before + 1)));
    });
}

#[test]
fn a_host_that_never_rests_is_busy_and_never_a_mixed_look() {
    let stop = AtomicBool::new(false);
    in_netns(|nft| {
        done(nft, vec![Step::EnsureTable { table: NAT }, chain("A"), chain("W")]);
        let rule = |n: u32| Rule::new(Action::Mark { value: n, mask: n });
        done(nft, (0..3000).map(|n| append("A", rule(n))).collect());
        let mut writer = NftBackend::open(Setup::default()).expect("netlink");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    done(&mut writer, vec![append("W", Rule::new(Action::Return))]);
                }
            });
            let chains = [(NAT, ChainName::from("A"))].into();
            let scope = Scope { families: [Family::Ipv4].into(), chains, ..Scope::default() };
            // On a loaded machine the writer may rest for one look: that one is whole.
            let mut looks = (0..50).map(|_| nft.observe(&scope));
            let busy = looks.by_ref().find_map(|look| match look {
                Err(error) => Some(error),
                Ok(seen) => {
                    let seen = seen.families[&Family::Ipv4].as_ref().expect("readable");
                    assert_eq!(seen.chain(NAT, &"A".into()).expect("A").rules.len(), 3000);
                    None
                }
            });
            stop.store(true, Ordering::Relaxed);
            assert_eq!(busy.expect("interrupted each time").kind(), ErrorKind::Busy);
        });
    });
}

#[test]
fn asking_without_doing_changes_nothing_and_hears_the_same() {
    in_netns(|nft| {
        let want = full(Family::Ipv4);
        let seen = Default::default();
        let steps = diff(&want, &seen, Options::default()).steps;
        let before = nft.generation().expect("generation");
        let asked = nft.validate(&Plan { generation: before, ..plan(steps) }).expect("validate");
        assert!(asked.families[&Family::Ipv4].is_ok(), "{asked:?}");
        assert_eq!(asked.commits, 0);
        let asked = nft.validate(&plan(vec![chain("A")])).expect("validate");
        assert!(asked.families[&Family::Ipv4].is_err(), "there is no table");
        assert_eq!(nft.generation(), Ok(before));
    });
}

/// Nothing of the family is sent, and the other goes alone.
#[test]
fn what_the_native_dialect_cannot_express_is_refused_in_its_family_alone() {
    in_netns(|_| {
        let setup = Setup { dialect: Dialect::Native, ..Setup::default() };
        let mut nft = NftBackend::open(setup).expect("netlink");
        let or = CtStates(CtStates::NEW | CtStates::DNAT);
        let matches = Matches { ctstate: Some(Cond::is(or)), ..Matches::default() };
        let steps = |rule| vec![Step::EnsureTable { table: NAT }, chain("A"), append("A", rule)];
        let families = BTreeMap::from([
            (Family::Ipv4, steps(Rule::new(Action::Return))),
            (Family::Ipv6, steps(Rule::new(Action::Return).when(matches))),
        ]);
        let applied = nft.apply(&Plan { generation: None, families }).expect("apply");
        assert_eq!((applied.commits, &applied.families[&Family::Ipv4]), (1, &Ok(())));
        let error = applied.families[&Family::Ipv6].clone().expect_err("it has no words for it");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().starts_with("ip6: write rules of nat A"), "{error}");
    });
}

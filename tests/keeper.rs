//! The keeper on the fake kernel: what it remembers between passes.
mod counted;

use chainkeeper::config::{Config, parse};
use chainkeeper::reconcile::{Keeper, Pass};
use chainkeeper_contract::testing::Fake;
use chainkeeper_contract::{
    Applied, Backend, BackendError, CanaryPolicy, Errno, Family, Note, Plan, Scope, Snapshot, Step,
    Survey, Table,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

const V4: Family = Family::Ipv4;

fn config(toml: &str) -> Config {
    parse("test", toml).expect("settings").check().expect("config")
}

/// A kernel that the test and the keeper both see. Of some families it says nothing.
#[derive(Clone, Default)]
struct Kernel {
    fake: Arc<Mutex<Fake>>,
    dumb: Arc<Mutex<BTreeSet<Family>>>,
    /// No look of a later generation can be had.
    last_seen: Option<u32>,
}

impl Kernel {
    fn fake(&self) -> MutexGuard<'_, Fake> {
        self.fake.lock().expect("nobody has panicked with it")
    }

    fn keeper(&self, toml: &str) -> Keeper {
        Keeper::new(Box::new(self.clone()), config(toml))
    }

    fn create(&self, table: Table, chain: &str) {
        let steps = vec![Step::CreateChain { table, chain: chain.into() }];
        let plan = Plan { generation: None, families: BTreeMap::from([(V4, steps)]) };
        assert_eq!(self.fake().apply(&plan).expect("it is taken").commits, 1);
    }

    fn silence(&self, families: &[Family]) {
        *self.dumb.lock().expect("as above") = families.iter().copied().collect();
    }
}

impl Backend for Kernel {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError> {
        let mut snapshot = self.fake().observe(scope)?;
        if self.last_seen.is_some_and(|last| snapshot.generation > Some(last)) {
            return Err(BackendError::Busy { what: "read".into(), errno: Errno::RESTART });
        }
        for family in self.dumb.lock().expect("as above").iter() {
            let (what, errno) = (format!("read {family}"), Errno::RESTART);
            snapshot.families.insert(*family, Err(BackendError::Busy { what, errno }));
        }
        Ok(snapshot)
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        self.fake().apply(plan)
    }

    fn validate(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        self.fake().validate(plan)
    }

    fn generation(&mut self) -> Result<Option<u32>, BackendError> {
        self.fake().generation()
    }

    fn survey(&mut self) -> Result<Survey, BackendError> {
        self.fake().survey()
    }
}

/// The keeper of the next configuration.
fn next(old: &Keeper, toml: &str) -> Keeper {
    let mut keeper = Keeper::new(Box::new(Fake::default()), config(toml));
    keeper.inherit(old);
    keeper
}

fn canaries(pass: &Pass, family: Family) -> usize {
    let delta = pass.look.families[&family].as_ref().expect("readable");
    let made = |s: &&Step| matches!(s, Step::CreateChain { chain, .. } if chain.as_str().ends_with("CANARY"));
    delta.steps.iter().filter(made).count()
}

/// A family that is switched on later gets its canaries, though others have settled long since.
#[test]
fn each_family_gets_its_canaries_with_its_first_good_pass() {
    let mut keeper = Keeper::new(Box::new(Fake::default()), config("family = 'ipv4'"));
    assert_eq!(canaries(&keeper.keep(&BTreeSet::new()).expect("pass"), Family::Ipv4), 3);
    // A backend opened anew sees the same kernel; the fake is a kernel of its own.
    let mut keeper = next(&keeper, "family = 'both'");
    assert_eq!(canaries(&keeper.keep(&BTreeSet::new()).expect("pass"), Family::Ipv6), 3);
    assert!(keeper.keep(&BTreeSet::new()).expect("pass").applied.is_none());
}

#[test]
fn switched_off_at_first_it_still_writes_canaries_when_switched_on() {
    let off = config("make-iptables-util-chains = false");
    let mut keeper = Keeper::new(Box::new(Fake::default()), off);
    assert!(keeper.keep(&BTreeSet::new()).expect("pass").applied.is_none());
    let mut keeper = next(&keeper, "");
    assert_eq!(canaries(&keeper.keep(&BTreeSet::new()).expect("pass"), Family::Ipv4), 3);
}

/// Linux before 5.10 keeps no userdata of a chain: nothing is proven ours, and all works the same.
#[test]
fn a_kernel_that_keeps_no_mark_is_kept_in_sync_and_nothing_is_removed_from_it() {
    let mut keeper = Keeper::new(Box::new(Fake::without_marks()), config(""));
    keeper.apply(CanaryPolicy::Write).expect("one pass is enough");
    let look = keeper.look(CanaryPolicy::Report).expect("look");
    assert!(look.in_sync(), "{look:?}");
    let pass = keeper.remove(false).expect("remove");
    assert!(pass.applied.is_none(), "{pass:?}");
    let v4 = pass.look.families[&Family::Ipv4].as_ref().expect("readable");
    let kept = v4.notes.iter().filter(|n| matches!(n, Note::Kept { .. }));
    assert_eq!(kept.count(), 8);
}

/// A commit lands, and the look after it cannot be had.
#[test]
fn a_commit_that_cannot_be_looked_at_is_told_all_the_same() {
    let mut keeper = Kernel { last_seen: Some(1), ..Kernel::default() }.keeper("");
    let pass = keeper.apply(CanaryPolicy::Write).expect("it has landed");
    let applied = pass.applied.as_ref().expect("there was something to do");
    assert_eq!((applied.commits, pass.errors().count()), (1, 0));
    // The next look says why there is none.
    assert!(keeper.apply(CanaryPolicy::Write).is_err());
}

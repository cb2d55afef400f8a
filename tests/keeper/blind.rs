//! A commit lands, and the look after it cannot be had.
use super::config;
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::testing::Fake;
use chainkeeper_contract::{
    Applied, Backend, BackendError, CanaryPolicy, Errno, Plan, Scope, Snapshot, Survey,
};

/// Sees nothing once it has written.
#[derive(Default)]
struct Blind {
    fake: Fake,
    wrote: bool,
}

impl Backend for Blind {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError> {
        match self.wrote {
            true => Err(BackendError::Busy { what: "read".into(), errno: Errno::RESTART }),
            false => self.fake.observe(scope),
        }
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        self.wrote = true;
        self.fake.apply(plan)
    }

    fn validate(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        self.fake.validate(plan)
    }

    fn generation(&mut self) -> Result<Option<u32>, BackendError> {
        self.fake.generation()
    }

    fn survey(&mut self) -> Result<Survey, BackendError> {
        self.fake.survey()
    }
}

#[test]
fn a_commit_that_cannot_be_looked_at_is_told_all_the_same() {
    let mut keeper = Keeper::new(Box::new(Blind::default()), config(""));
    let pass = keeper.apply(CanaryPolicy::Write).expect("it has landed");
    let applied = pass.applied.as_ref().expect("there was something to do");
    assert_eq!((applied.commits, pass.errors().count()), (1, 0));
    // The next look says why there is none.
    assert!(keeper.apply(CanaryPolicy::Write).is_err());
}

//! The suite on the fake, and properties that need many worlds.
use chainkeeper_contract::testing::{Case, Dice, Fake, Outside, World, random_drift};
use chainkeeper_contract::{Backend, Family};
use proptest::prelude::*;

#[derive(Default)]
struct FakeWorld(Fake);

impl World for FakeWorld {
    fn backend(&mut self) -> &mut dyn Backend {
        &mut self.0
    }
    fn outside(&mut self, family: Family, change: &Outside) {
        self.0.outside(family, change);
    }
}

fn run(case: Case) {
    case(&mut FakeWorld::default());
}

chainkeeper_contract::conformance!(run);

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_rulesets_with_random_drift_converge_in_one_step(numbers in prop::collection::vec(any::<u32>(), 0..200)) {
        random_drift(&mut FakeWorld::default(), &mut Dice::new(numbers));
    }
}

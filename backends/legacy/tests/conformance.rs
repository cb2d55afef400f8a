//! The same suite on the real tools: each case in a network namespace of its own, with iptables-legacy as
//! "somebody else".
mod support;

use chainkeeper_contract::testing::{Case, Dice, Outside, World, random_drift};
use chainkeeper_contract::{Backend, Family};
use chainkeeper_legacy::LegacyBackend;
use proptest::prelude::*;
use support::{backend, in_netns, theirs};

/// The calling thread's own new namespace; gone with the thread.
struct Kernel(LegacyBackend);

impl World for Kernel {
    fn backend(&mut self) -> &mut dyn Backend {
        &mut self.0
    }

    fn outside(&mut self, family: Family, change: &Outside) {
        theirs().outside(family, change);
    }

    fn handles_last(&self) -> bool {
        false
    }
}

fn run(case: Case) {
    in_netns(|| case(&mut Kernel(backend())));
}

chainkeeper_contract::conformance!(run);

/// The same between `lock` and `unlock`, as every pass that writes is done: whoever takes the lock waits.
mod under_the_lock {
    use super::*;

    fn run(case: Case) {
        in_netns(|| {
            let mut locked = backend();
            locked.lock().expect("the lock of this test");
            case(&mut Kernel(locked));
        });
    }

    chainkeeper_contract::conformance!(held run);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_rulesets_with_random_drift_converge_in_one_step(numbers in prop::collection::vec(any::<u32>(), 0..200)) {
        in_netns(|| random_drift(&mut Kernel(backend()), &mut Dice::new(numbers)));
    }
}

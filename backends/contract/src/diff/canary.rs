//! One canary a table: the shared name where we are its only maker, our own name beside another's.
use super::{CanaryPolicy, Delta, Note, Options};
use crate::names::Table;
use crate::observed::Observed;
use crate::plan::Step;
use crate::ruleset::Ruleset;

pub(super) fn table(
    want: &Ruleset,
    seen: &Observed,
    table: Table,
    options: Options,
    out: &mut Delta,
) {
    for canary in want.canaries.iter().filter(|c| c.table == table) {
        // Our own name is proof enough for us, and says that `shared` is somebody else's to return.
        if seen.chain(table, &canary.own).is_some() {
            continue;
        }
        let chain = match seen.chain(table, &canary.shared) {
            Some(chain) if chain.ours => continue,
            Some(_) => canary.own.clone(),
            None => canary.shared.clone(),
        };
        let waits = match options.canary {
            CanaryPolicy::Write => false,
            CanaryPolicy::Wait => chain == canary.shared && chain != canary.own,
            CanaryPolicy::Report => true,
        };
        if waits {
            out.notes.push(Note::PendingCanary { table, chain });
        } else {
            out.steps.push(Step::CreateChain { table, chain });
        }
    }
}

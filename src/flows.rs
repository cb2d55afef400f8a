//! Connections that began while the masquerade chains were missing: counted, and ended where asked for.
//! They stay without translation until conntrack forgets them, although the rules are back.
use crate::chains;
use crate::config::Flows;
use crate::damage::Damage;
use crate::story::GapFlows;
use chainkeeper_conntrack::Conntrack;
use chainkeeper_contract::{BackendError, Family};
use std::collections::BTreeSet;
use std::time::SystemTime;
use tracing::debug;

/// Connections that are named in the story; all are counted.
const NAMED: usize = 20;

/// The families in which connections began untranslated, for want of a chain that marks or masquerades.
pub fn concerned(damage: &Damage) -> BTreeSet<Family> {
    let keys = damage.0.keys().filter(|key| chains::masquerades(key.table, &key.chain));
    keys.map(|key| key.family).collect()
}

/// Looks at the connections of the calling thread's network namespace that began in the gap, and ends
/// those that `how` names. To be called once the rules are back.
pub fn look(
    how: &Flows,
    families: &BTreeSet<Family>,
    of: u64,
    from: SystemTime,
    until: SystemTime,
) -> Result<GapFlows, BackendError> {
    let mut conntrack = Conntrack::open()?;
    let all = conntrack.flows_since(from, until, None)?;
    let mut gap = GapFlows {
        of,
        without_translation: all.count,
        unknown_start: all.unknown_start,
        first: all.without_translation.iter().take(NAMED).map(ToString::to_string).collect(),
        ended: 0,
    };
    for source in how.heal.iter().filter(|source| families.contains(&source.family())) {
        // Listed first: what is ended is what was listed, and known to have begun in the gap.
        let listed = conntrack.flows_since(from, until, Some(source))?;
        for flow in listed.without_translation.iter().filter(|flow| flow.start.is_some()) {
            debug!("ending {flow}: it began in the gap, from {source}");
            gap.ended += usize::from(conntrack.delete(flow)?);
        }
    }
    Ok(gap)
}

//! How far a chain is read. The kernel goes through a chain from its beginning for each part of a dump, so a
//! look at all of a long one takes the square of its rules.
use chainkeeper_contract::{Action, ChainName, Rule, RuleSeen};

/// Behind our jumps, copies of them are looked for among so many rules, which the kernel's first datagram
/// holds as a rule. One farther behind does nothing that the first one has not done; `remove` reads
/// everything and takes it.
const NEAR: usize = 8;

/// Where reading ends.
#[derive(Debug)]
pub(super) enum Until {
    /// The chain does.
    End,
    /// After so many rules.
    Rules(usize),
    /// Soon after the first jump to each of these that every packet takes, as it takes ours.
    Jumps { to: Vec<ChainName>, near: usize },
}

impl Until {
    /// A jump to a chain that is not there cannot be found, and a chain without any is read to its end.
    pub(super) fn jumps(to: Vec<ChainName>) -> Until {
        match to.is_empty() {
            true => Until::End,
            false => Until::Jumps { to, near: NEAR },
        }
    }

    /// Whether what was read is enough, asked before each further rule.
    pub(super) fn reached(&mut self, rules: &[RuleSeen]) -> bool {
        match self {
            Until::End => false,
            Until::Rules(most) => rules.len() >= *most,
            Until::Jumps { to, near } if to.is_empty() => {
                *near = near.saturating_sub(1);
                *near == 0
            }
            Until::Jumps { to, .. } => {
                let last = rules.last().and_then(jumps_always);
                to.retain(|target| Some(target) != last);
                false
            }
        }
    }
}

/// Others may send some packets to our chains long before ours sends all.
fn jumps_always(rule: &RuleSeen) -> Option<&ChainName> {
    match rule.rule()? {
        Rule { action: Action::Jump(to), matches, .. } if matches.is_empty() => Some(to),
        Rule { .. } => None,
    }
}

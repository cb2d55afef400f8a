//! The writer in this process: batches of netlink, made and sent at once, with no generation in them.
use super::fleet::Work;
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{
    Action, Backend as _, BackendError, ChainName, Family, Handle, Place, Plan, Rule, Scope, Seen,
    Step, Table, Why,
};
use chainkeeper_nft::{NftBackend, Setup};
use std::thread::sleep;
use std::time::{Duration, Instant};

const CHAIN: (Table, &str) = (Table::Nat, "RAW");

fn plan(step: Step) -> Plan {
    Plan { generation: None, families: [(Family::Ipv4, vec![step])].into() }
}

fn rewrite(remove: Vec<Handle>, insert: Vec<Rule>) -> Plan {
    let (table, chain) = (CHAIN.0, CHAIN.1.into());
    let new = vec![true; insert.len()];
    plan(Step::Rewrite { table, chain, remove, insert, new, place: Place::Last, why: Why::Absent })
}

/// Where that rule is now.
fn handle(nft: &mut NftBackend, comment: &str) -> Result<Option<Handle>, BackendError> {
    let (families, chains) = ([Family::Ipv4].into(), [(CHAIN.0, CHAIN.1.into())].into());
    let mut snapshot = nft.observe(&Scope { families, chains, ..Scope::default() })?;
    let Some(Ok(seen)) = snapshot.families.remove(&Family::Ipv4) else { return Ok(None) };
    let chain = seen.chain(CHAIN.0, &ChainName::from(CHAIN.1));
    let is =
        |seen: &Seen| matches!(seen, Seen::Known(rule) if rule.comment.as_deref() == Some(comment));
    Ok(chain.and_then(|c| c.rules.iter().find(|r| is(&r.seen))).map(|r| r.handle))
}

/// Writes until then, in the namespace of this thread.
pub(super) fn work(seed: u64, until: Instant) -> Work {
    let mut dice = Dice::seeded(seed, 200_000);
    let (mut work, mut number) = (Work::new("raw"), 0);
    let mut nft = NftBackend::open(Setup::default()).expect("netlink");
    let chain = Step::CreateChain { table: CHAIN.0, chain: CHAIN.1.into() };
    nft.apply(&plan(chain)).expect("a chain of its own");
    while Instant::now() < until {
        sleep(Duration::from_millis(dice.roll(10) as u64));
        let delete = work.ledger.len() >= 30 || (!work.ledger.is_empty() && dice.one_in(3));
        let at = dice.roll(work.ledger.len());
        let mut send = |plan: &Plan| {
            let applied = nft.apply(plan)?;
            applied.families.into_values().collect::<Result<Vec<()>, BackendError>>()
        };
        let done = if delete {
            match handle(&mut nft, &work.ledger[at]) {
                Ok(Some(handle)) => {
                    nft.apply(&rewrite(vec![handle], vec![])).map(|a| a.commits == 1)
                }
                Ok(None) => Ok(false),
                Err(error) => Err(error), // others were faster twenty times
            }
        } else {
            number += 1;
            let rule = Rule::new(Action::Return).comment(&format!("raw-{number}"));
            send(&rewrite(vec![], vec![rule])).map(|_| true)
        };
        work.writes += 1;
        match (done, delete) {
            (Ok(true), true) => drop(work.ledger.remove(at)),
            (Ok(true), false) => work.ledger.push(format!("raw-{number}")),
            (Ok(false), _) => work.failed("its own rule is not there"),
            (Err(error), _) => work.failed(&error.to_string()),
        }
    }
    work
}

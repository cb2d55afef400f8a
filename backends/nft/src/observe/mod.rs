//! Looks: which tables, which chains of those that are there, each in one datagram; then one short dump for
//! each chain that matters. Nothing outside the scope is read, so a host with 50,000 foreign rules costs no more.
mod ask;
mod dump;
mod neighbours;
mod references;
mod seen;
mod steady;
mod survey;
mod until;

pub(crate) use self::steady::{opening, steady};
pub(crate) use self::survey::survey;

use self::ask::ask;
use self::seen::{add_chain, add_table, rule_seen};
use self::until::Until;

use crate::errors::asking;
use crate::read::{self, Body, ChainMsg, Malformed, Messages};
use crate::uapi as u;
use crate::wire::Socket;
use crate::write::{Request, encode_requests};
use chainkeeper_contract::{
    BackendError, ChainName, Errno, Family, Observed, RuleSeen, Scope, Table, WALK_LIMIT, needed,
};
use std::collections::{BTreeMap, BTreeSet};

/// Why a look has to be done again, or cannot be done.
pub(crate) enum Trouble {
    /// Something was committed meanwhile.
    Interrupted,
    Failed(BackendError),
}

impl From<Malformed> for Trouble {
    fn from(why: Malformed) -> Self {
        let what = "read nf_tables".to_owned();
        Trouble::Failed(BackendError::Garbled { what, why: why.to_string() })
    }
}

fn failed(errno: Errno) -> Trouble {
    Trouble::Failed(asking("cannot read nf_tables", errno))
}

/// NFT_MSG_GETGEN.
pub(crate) fn generation(socket: &mut Socket) -> Result<u32, Trouble> {
    let mut generation = None;
    ask(socket, &[Request::Generation], |kind, attrs| {
        if kind == u::NFT_MSG_NEWGEN {
            generation = Some(read::generation(attrs)?);
        }
        Ok(())
    })?;
    generation.ok_or_else(|| failed(Errno::NOENT))
}

/// Every family of the scope, each with what it holds or why it could not be read.
pub(crate) fn families(
    socket: &mut Socket,
    scope: &Scope,
) -> Result<BTreeMap<Family, Result<Observed, BackendError>>, Trouble> {
    let mut families = BTreeMap::new();
    for family in &scope.families {
        let seen = match one_family(socket, *family, scope) {
            Ok(seen) => Ok(seen),
            Err(Trouble::Interrupted) => return Err(Trouble::Interrupted),
            Err(Trouble::Failed(error)) => {
                // Answers may still be queued: the next family starts on a clean socket.
                socket.reopen().map_err(|e| Trouble::Failed(opening(e)))?;
                Err(error)
            }
        };
        families.insert(*family, seen);
    }
    Ok(families)
}

fn one_family(socket: &mut Socket, family: Family, scope: &Scope) -> Result<Observed, Trouble> {
    let mut look = Look { socket, family, seen: Observed::default(), uses: Vec::new() };
    look.tables()?;
    look.chains(scope)?;
    for (table, name) in &scope.chains {
        look.read(*table, name.as_str(), Until::End)?;
    }
    for ((table, hook), targets) in &scope.hooks {
        let there = targets.iter().filter(|to| look.seen.chain(*table, to).is_some());
        let until = match scope.references {
            true => Until::End,
            false => Until::jumps(there.cloned().collect()),
        };
        look.read(*table, hook.name(), until)?;
    }
    look.follow_jumps(scope)?;
    if scope.references {
        look.references(scope)?;
    }
    if scope.neighbours {
        look.neighbours(scope)?;
    }
    Ok(look.seen)
}

/// The chains whose rules are read.
fn with_rules(scope: &Scope) -> impl Iterator<Item = (Table, &str)> {
    let chains = scope.chains.iter().map(|(table, name)| (*table, name.as_str()));
    chains.chain(scope.hooks.keys().map(|(table, hook)| (*table, hook.name())))
}

struct Look<'a> {
    socket: &'a mut Socket,
    family: Family,
    seen: Observed,
    /// NFTA_CHAIN_USE of every chain of the scope.
    uses: Vec<(Table, ChainName, u32)>,
}

impl Look<'_> {
    fn tables(&mut self) -> Result<(), Trouble> {
        let wanted = Table::ALL.map(|table| Request::Table(self.family, table.name()));
        ask(self.socket, &wanted, |kind, attrs| {
            if kind == u::NFT_MSG_NEWTABLE {
                add_table(&mut self.seen, &read::table(attrs)?);
            }
            Ok(())
        })
    }

    /// By name, each once, whatever the scope wants of it.
    fn chains(&mut self, scope: &Scope) -> Result<(), Trouble> {
        let present = scope.presence.iter().map(|(table, name)| (*table, name.as_str()));
        let mut wanted: BTreeSet<(Table, &str)> = with_rules(scope).chain(present).collect();
        wanted.retain(|(table, _)| self.seen.tables.contains_key(table));
        let request = |(table, name): (Table, _)| Request::Chain(self.family, table.name(), name);
        let wanted: Vec<Request<'_>> = wanted.into_iter().map(request).collect();
        ask(self.socket, &wanted, |kind, attrs| {
            if kind == u::NFT_MSG_NEWCHAIN {
                add_chain(&mut self.seen, &mut self.uses, &read::chain(attrs)?);
            }
            Ok(())
        })
    }

    /// The rules of a chain, if it is there.
    fn read(&mut self, table: Table, name: &str, until: Until) -> Result<(), Trouble> {
        if self.seen.tables.get(&table).is_some_and(|t| t.chains.contains_key(name)) {
            let (rules, _) = self.rules(table, name, until)?;
            self.put(table, name, rules);
        }
        Ok(())
    }

    /// The rules of a chain, in order, and whether there are more of them.
    fn rules(
        &mut self,
        table: Table,
        chain: &str,
        mut until: Until,
    ) -> Result<(Vec<RuleSeen>, bool), Trouble> {
        let request = Request::Rules(self.family, table.name(), Some(chain));
        let seq = self.socket.seqs(1);
        self.socket.send(&encode_requests(&[request], seq)).map_err(failed)?;
        let (mut rules, mut interrupted) = (Vec::new(), false);
        loop {
            let Some(datagram) = self.socket.receive().map_err(failed)? else {
                return Err(failed(Errno(11))); // a dump always ends with DONE or an error
            };
            for message in Messages::new(datagram) {
                let message = message?;
                interrupted |= message.interrupted;
                match message.body {
                    Body::Object { kind: u::NFT_MSG_NEWRULE, attrs, .. } => {
                        if until.reached(&rules) {
                            // Leave the rest of the dump to the kernel: a closed socket ends it.
                            self.socket.reopen().map_err(failed)?;
                            return Ok((rules, true));
                        }
                        let rule = read::rule(attrs)?;
                        // Kernels that do not filter (before 4.10 or so) send all.
                        if rule.table == table.name() && rule.chain == chain {
                            rules.push(rule_seen(self.family, &rule));
                        }
                    }
                    Body::Done if interrupted => return Err(Trouble::Interrupted),
                    Body::Done => return Ok((rules, false)),
                    Body::Error { errno, .. } => return Err(failed(Errno(errno))),
                    Body::Object { .. } => {}
                }
            }
        }
    }

    fn put(&mut self, table: Table, name: &str, rules: Vec<RuleSeen>) {
        let Some(table) = self.seen.tables.get_mut(&table) else { return };
        let Some(chain) = table.chains.get_mut(name) else { return };
        chain.rules = rules;
    }

    /// Where something stands before our jump, reads what it leads to, up to [`WALK_LIMIT`] rules.
    fn follow_jumps(&mut self, scope: &Scope) -> Result<(), Trouble> {
        for ((table, hook), targets) in &scope.hooks {
            let mut budget = WALK_LIMIT;
            while let Some(name) = needed(&self.seen, *table, &hook.chain(), targets) {
                // Not found by its name: gone again, or a name that is not UTF-8. Not judged then.
                let Some(found) = self.one_chain(*table, name.as_str())? else { break };
                let (rules, cut) = self.rules(*table, name.as_str(), Until::Rules(budget))?;
                budget -= rules.len();
                if cut || budget == 0 {
                    if let Some(table) = self.seen.tables.get_mut(table) {
                        table.truncated = true;
                    }
                    break;
                }
                add_chain(&mut self.seen, &mut self.uses, &found);
                self.put(*table, name.as_str(), rules);
            }
        }
        Ok(())
    }

    fn one_chain(&mut self, table: Table, name: &str) -> Result<Option<ChainMsg>, Trouble> {
        let mut found = None;
        ask(self.socket, &[Request::Chain(self.family, table.name(), name)], |kind, attrs| {
            if kind == u::NFT_MSG_NEWCHAIN {
                found = Some(read::chain(attrs)?);
            }
            Ok(())
        })?;
        Ok(found)
    }
}

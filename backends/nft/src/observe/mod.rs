//! Looks: a few small questions in one datagram, then one short dump for each chain that matters.
//! Nothing outside the scope is read, so a host with 50,000 foreign rules costs no more.
mod dump;
mod neighbours;
mod references;
mod seen;
mod steady;
mod survey;

pub(crate) use self::steady::{opening, steady};
pub(crate) use self::survey::survey;

use self::seen::{add_chain, add_table, rule_seen};

use crate::errors::asking;
use crate::read::{self, Body, ChainMsg, Malformed, Messages, RuleMsg};
use crate::uapi as u;
use crate::wire::Socket;
use crate::write::{Request, encode_requests};
use chainkeeper_contract::{
    BackendError, ChainName, Errno, Family, Observed, Scope, Table, WALK_LIMIT, needed,
};
use std::collections::BTreeMap;

/// Questions in one datagram: all answers have to fit into the socket's receive buffer (by default
/// net.core.rmem_default, 208 KiB).
const AT_ONCE: usize = 64;

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
    let seq = socket.seqs(1);
    socket.send(&encode_requests(&[Request::Generation], seq)).map_err(failed)?;
    while let Some(datagram) = socket.receive().map_err(failed)? {
        for message in Messages::new(datagram) {
            match message?.body {
                Body::Object { kind: u::NFT_MSG_NEWGEN, attrs, .. } => {
                    return Ok(read::generation(attrs)?);
                }
                Body::Error { errno, .. } if errno != 0 => return Err(failed(Errno(errno))),
                Body::Object { .. } | Body::Error { .. } | Body::Done => {}
            }
        }
    }
    Err(failed(Errno(11)))
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
    look.objects(scope)?;
    let full: Vec<_> = scope.chains.iter().cloned().chain(hooks(scope)).collect();
    for (table, name) in full {
        if look.seen.chain(table, &name).is_some() {
            let (rules, _) = look.rules(table, &name, usize::MAX)?;
            look.put(table, &name, rules);
        }
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

fn hooks(scope: &Scope) -> impl Iterator<Item = (Table, ChainName)> {
    scope.hooks.keys().map(|(table, hook)| (*table, hook.chain()))
}

struct Look<'a> {
    socket: &'a mut Socket,
    family: Family,
    seen: Observed,
    /// NFTA_CHAIN_USE of every chain of the scope.
    uses: Vec<(Table, ChainName, u32)>,
}

impl Look<'_> {
    /// Asks for every table and chain by name: object or ENOENT for each.
    fn objects(&mut self, scope: &Scope) -> Result<(), Trouble> {
        let names: Vec<(Table, ChainName)> =
            scope.chains.iter().chain(&scope.presence).cloned().chain(hooks(scope)).collect();
        let mut ask: Vec<Request<'_>> =
            Table::ALL.iter().map(|t| Request::Table(self.family, t.name())).collect();
        let chain = |(t, c): &'_ (Table, ChainName)| (t.name(), c.as_str().to_owned());
        let owned: Vec<_> = names.iter().map(chain).collect();
        ask.extend(owned.iter().map(|(t, c)| Request::Chain(self.family, t, c)));
        ask.chunks(AT_ONCE).try_for_each(|ask| self.ask(ask))
    }

    fn ask(&mut self, ask: &[Request<'_>]) -> Result<(), Trouble> {
        let seq = self.socket.seqs(ask.len());
        self.socket.send(&encode_requests(ask, seq)).map_err(failed)?;
        while let Some(datagram) = self.socket.receive().map_err(failed)? {
            for message in Messages::new(datagram) {
                match message?.body {
                    Body::Object { kind: u::NFT_MSG_NEWTABLE, attrs, .. } => {
                        add_table(&mut self.seen, &read::table(attrs)?);
                    }
                    Body::Object { kind: u::NFT_MSG_NEWCHAIN, attrs, .. } => {
                        add_chain(&mut self.seen, &mut self.uses, &read::chain(attrs)?);
                    }
                    Body::Error { errno: 0, .. } => {}
                    Body::Error { errno, .. } if Errno(errno) == Errno::NOENT => {}
                    Body::Error { errno, .. } => return Err(failed(Errno(errno))),
                    Body::Object { .. } | Body::Done => {}
                }
            }
        }
        Ok(())
    }

    /// The rules of a chain, in order; at most `limit` of them are looked at.
    fn rules(
        &mut self,
        table: Table,
        chain: &ChainName,
        limit: usize,
    ) -> Result<(Vec<RuleMsg>, bool), Trouble> {
        let request = Request::Rules(self.family, table.name(), Some(chain.as_str()));
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
                        if rules.len() < limit {
                            let rule = read::rule(attrs)?;
                            // Kernels that do not filter (before 4.10 or so) send all.
                            if rule.table == table.name() && rule.chain == chain.as_str() {
                                rules.push(rule);
                            }
                            continue;
                        }
                        // Leave the rest of the dump to the kernel: a closed socket ends it.
                        self.socket.reopen().map_err(failed)?;
                        return Ok((rules, true));
                    }
                    Body::Done if interrupted => return Err(Trouble::Interrupted),
                    Body::Done => return Ok((rules, false)),
                    Body::Error { errno, .. } => return Err(failed(Errno(errno))),
                    Body::Object { .. } => {}
                }
            }
        }
    }

    fn put(&mut self, table: Table, name: &ChainName, rules: Vec<RuleMsg>) {
        let Some(table) = self.seen.tables.get_mut(&table) else { return };
        let Some(chain) = table.chains.get_mut(name) else { return };
        chain.rules = rules.iter().map(|r| rule_seen(self.family, r)).collect();
    }

    /// Where something stands before our jump, reads what it leads to, up to [`WALK_LIMIT`] rules.
    fn follow_jumps(&mut self, scope: &Scope) -> Result<(), Trouble> {
        for ((table, hook), targets) in &scope.hooks {
            let mut budget = WALK_LIMIT;
            while let Some(name) = needed(&self.seen, *table, &hook.chain(), targets) {
                let seq = self.socket.seqs(1);
                let ask = [Request::Chain(self.family, table.name(), name.as_str())];
                self.socket.send(&encode_requests(&ask, seq)).map_err(failed)?;
                // Not found by its name: gone again, or a name that is not UTF-8. Not judged then.
                let Some(found) = self.one_chain()? else { break };
                let (rules, cut) = self.rules(*table, &name, budget)?;
                budget -= rules.len();
                if cut || budget == 0 {
                    if let Some(table) = self.seen.tables.get_mut(table) {
                        table.truncated = true;
                    }
                    break;
                }
                add_chain(&mut self.seen, &mut self.uses, &found);
                self.put(*table, &name, rules);
            }
        }
        Ok(())
    }

    fn one_chain(&mut self) -> Result<Option<ChainMsg>, Trouble> {
        let mut found = None;
        while let Some(datagram) = self.socket.receive().map_err(failed)? {
            for message in Messages::new(datagram) {
                match message?.body {
                    Body::Object { kind: u::NFT_MSG_NEWCHAIN, attrs, .. } => {
                        found = Some(read::chain(attrs)?);
                    }
                    Body::Error { errno, .. } if errno != 0 && Errno(errno) != Errno::NOENT => {
                        return Err(failed(Errno(errno)));
                    }
                    Body::Object { .. } | Body::Error { .. } | Body::Done => {}
                }
            }
        }
        Ok(found)
    }
}

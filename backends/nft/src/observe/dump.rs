//! Dumps that are read object by object, so that nothing of them is kept which is not asked for.
use super::{Trouble, failed};
use crate::read::{self, Body, Malformed, Messages, RuleMsg};
use crate::uapi as u;
use crate::wire::Socket;
use crate::write::{Request, encode_requests};
use chainkeeper_contract::{Errno, Family};

/// The names of a table's chains, in its order.
pub(super) fn chains(
    socket: &mut Socket,
    family: Family,
    table: &str,
) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    dump(socket, Request::Chains(family), u::NFT_MSG_NEWCHAIN, |_, attrs| {
        let chain = read::chain(attrs)?;
        names.extend((chain.table == table).then_some(chain.name));
        Ok(())
    })?;
    Ok(names)
}

/// Every rule of a table in one dump, for which the kernel goes through all of it once for each part: the
/// square of the rules. Chain by chain it is not, but takes twice as long for 10,000 short chains.
pub(super) fn table_rules(
    socket: &mut Socket,
    family: Family,
    table: &str,
    mut each: impl FnMut(RuleMsg),
) -> Result<(), Trouble> {
    dump(socket, Request::Rules(family, table, None), u::NFT_MSG_NEWRULE, |_, attrs| {
        let rule = read::rule(attrs)?;
        // Kernels that do not filter (before 4.10 or so) send all.
        if rule.table == table {
            each(rule);
        }
        Ok(())
    })
}

/// Every rule of a chain.
pub(super) fn chain_rules(
    socket: &mut Socket,
    (family, table, chain): (Family, &str, &str),
    mut each: impl FnMut(RuleMsg),
) -> Result<(), Trouble> {
    let request = Request::Rules(family, table, Some(chain));
    dump(socket, request, u::NFT_MSG_NEWRULE, |_, attrs| {
        let rule = read::rule(attrs)?;
        // As above.
        if rule.table == table && rule.chain == chain {
            each(rule);
        }
        Ok(())
    })
}

/// Each object of that kind, with its family.
pub(super) fn dump(
    socket: &mut Socket,
    request: Request<'_>,
    of_kind: u16,
    mut each: impl FnMut(u8, &[u8]) -> Result<(), Malformed>,
) -> Result<(), Trouble> {
    let seq = socket.seqs(1);
    socket.send(&encode_requests(&[request], seq)).map_err(failed)?;
    let mut interrupted = false;
    // A dump always ends with DONE or an error; to end without is to have lost it.
    while let Some(datagram) = socket.receive().map_err(failed)? {
        for message in Messages::new(datagram) {
            let message = message?;
            interrupted |= message.interrupted;
            match message.body {
                Body::Object { kind, family, attrs } if kind == of_kind => each(family, attrs)?,
                Body::Object { .. } => {}
                Body::Error { errno, .. } => return Err(failed(Errno(errno))),
                Body::Done if interrupted => return Err(Trouble::Interrupted),
                Body::Done => return Ok(()),
            }
        }
    }
    Err(failed(Errno(11)))
}

//! What an errno of the kernel means, for the message that it was the answer to.
mod missing;

pub(crate) use missing::no_extension;

use self::missing::missing;
use crate::expr::Expr;
use crate::lower::Inexpressible;
use crate::ops::Msg;
use crate::read::Attrs;
use crate::uapi as u;
use chainkeeper_contract::{BackendError, Errno, Family};

/// The error of a socket call or of a question.
pub(crate) fn asking(what: &str, errno: Errno) -> BackendError {
    let what = what.to_owned();
    match errno {
        Errno::PERM | Errno::ACCES => BackendError::Denied { what, errno },
        Errno::NOBUFS | Errno(4 | 11) => BackendError::Busy { what, errno },
        Errno::INVAL | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT => {
            let missing = "the kernel has no nf_tables (module nf_tables, Linux 3.13)".to_owned();
            BackendError::Unsupported { what, errno, missing }
        }
        _ => BackendError::Refused { what, family: None, errno, at: None },
    }
}

/// The error of a whole batch: an answer to BATCH_BEGIN, or to `send` itself.
pub(crate) fn batch(errno: Errno) -> BackendError {
    match errno {
        Errno::RESTART => {
            let what = "commit: somebody else committed since we looked".to_owned();
            BackendError::Busy { what, errno }
        }
        _ => asking("commit", errno),
    }
}

/// A rule that the dialect has no words for.
pub(crate) fn inexpressible(step: &str, why: &Inexpressible) -> BackendError {
    let missing = format!("the native dialect cannot express it: {}", why.0);
    BackendError::Unsupported { what: step.to_owned(), errno: Errno::OPNOTSUPP, missing }
}

/// A message that no encoder can write; nothing was sent.
pub(crate) fn unwritable(family: Family, step: &str, why: &str) -> BackendError {
    let (what, at) = (step.to_owned(), Some(why.to_owned()));
    BackendError::Refused { what, family: Some(family), errno: Errno::INVAL, at }
}

/// The error of one message, with the attribute that the kernel points at.
pub(crate) fn message(
    step: &str,
    (family, msg): (Family, &Msg),
    bytes: &[u8],
    errno: Errno,
    offset: Option<u32>,
) -> BackendError {
    let what = step.to_owned();
    let at = offset.and_then(|o| attribute_at(msg, bytes, o as usize));
    match errno {
        Errno::PERM | Errno::ACCES => BackendError::Denied { what, errno },
        Errno::NOENT | Errno::OPNOTSUPP | Errno::AFNOSUPPORT => {
            let missing = missing(step, (family, msg), errno, at.as_ref());
            missing.unwrap_or_else(|| refused(what, family, errno, at))
        }
        _ => refused(what, family, errno, at),
    }
}

fn refused(what: String, family: Family, errno: Errno, at: Option<At>) -> BackendError {
    let at = at.map(|a| a.words(family));
    BackendError::Refused { what, family: Some(family), errno, at }
}

/// What the kernel points at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Attribute(&'static str),
    Expression(usize, Expr),
}

impl At {
    fn words(&self, family: Family) -> String {
        match self {
            At::Attribute(name) => (*name).to_owned(),
            At::Expression(i, expr) => format!("expression {} ({})", i + 1, describe(family, expr)),
        }
    }
}

fn describe(family: Family, expr: &Expr) -> String {
    match expr.extension() {
        Some((target, xt)) => {
            let kind = if target { "target" } else { "match" };
            format!("{kind} `{}` revision {} for {family}", xt.name, xt.rev)
        }
        None => expr.name(),
    }
}

/// Finds the attribute of our own message that starts at `offset` (bytes from the nlmsghdr).
fn attribute_at(msg: &Msg, bytes: &[u8], offset: usize) -> Option<At> {
    let head = u::NLMSGHDR + u::NFGENMSG;
    let attrs = Attrs::new(bytes.get(head..)?);
    for attr in attrs.flatten() {
        let start = head + attr.offset;
        if start == offset {
            return Some(At::Attribute(attribute_name(msg, attr.kind)));
        }
        let inside = start < offset && offset < start + 4 + attr.value.len();
        if let (true, Msg::NewRule { exprs, .. }, u::NFTA_RULE_EXPRESSIONS) =
            (inside, msg, attr.kind)
        {
            let elems: Vec<_> = attr.nested().flatten().collect();
            let i = elems.iter().rposition(|e| start + 4 + e.offset <= offset)?;
            return Some(At::Expression(i, exprs.get(i)?.clone()));
        }
        if inside {
            return Some(At::Attribute(attribute_name(msg, attr.kind)));
        }
    }
    None
}

fn attribute_name(msg: &Msg, kind: u16) -> &'static str {
    match (msg, kind) {
        (Msg::NewTable { .. }, u::NFTA_TABLE_NAME) => "table name",
        (Msg::NewBase { .. } | Msg::NewChain { .. } | Msg::DelChain { .. }, kind) => match kind {
            u::NFTA_CHAIN_TABLE => "table name",
            u::NFTA_CHAIN_NAME => "chain name",
            u::NFTA_CHAIN_HANDLE => "chain handle",
            u::NFTA_CHAIN_HOOK => "hook",
            u::NFTA_CHAIN_TYPE => "chain type",
            _ => "chain attribute",
        },
        (Msg::NewRule { .. } | Msg::DelRule { .. }, kind) => match kind {
            u::NFTA_RULE_TABLE => "table name",
            u::NFTA_RULE_CHAIN => "chain name",
            u::NFTA_RULE_HANDLE => "rule handle",
            u::NFTA_RULE_POSITION => "rule position",
            u::NFTA_RULE_EXPRESSIONS => "expressions",
            _ => "rule attribute",
        },
        (Msg::NewTable { .. }, _) => "table attribute",
    }
}

#[cfg(test)]
mod tests {
    //! An extension that no kernel has stands in for one that this kernel lacks: the same path.
    use super::*;
    use crate::expr::Xt;
    use crate::read::{Body, Messages};
    use crate::wire::Socket;
    use crate::write::{Batch, Encoder, Writer};
    use chainkeeper_contract::{Place, Table};
    use chainkeeper_namespace::in_netns;

    /// The kernel's answer to the last message of a dry run in a new network namespace.
    fn answer(messages: Vec<Msg>) -> BackendError {
        in_netns(|| {
            let family = Family::Ipv6;
            let last = messages.last().expect("a message").clone();
            let messages: Vec<_> = messages.into_iter().map(|m| (family, m)).collect();
            let count = messages.len();
            let mut socket = Socket::open(Encoder::default()).expect("socket");
            let batch = Batch::new(&messages, None, 1, false).expect("writable");
            let bytes = Encoder::default().batch(&batch);
            socket.send(&bytes).expect("send");
            let mut at = 0;
            for _ in 0..count {
                let len = u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("length"));
                at += len.next_multiple_of(4) as usize;
            }
            let datagram = socket.receive().expect("receive").expect("an answer");
            let first = Messages::new(datagram).next().expect("message").expect("well-formed");
            let Body::Error { errno, offset } = first.body else { panic!("{first:?}") };
            message("ip6: step", (family, &last), &bytes[at..], Errno(errno), offset)
        })
    }

    #[test]
    fn a_missing_extension_is_named_with_revision_family_and_module() {
        let chain = Msg::NewChain { table: Table::Nat, name: "A".into() };
        let xt = Xt { name: "NOSUCH".into(), rev: 2, info: vec![0; 8] };
        let exprs = vec![Expr::Counter { packets: 0, bytes: 0 }, Expr::Target(xt)];
        let (table, place) = (Table::Nat, Place::Last);
        let comment = None;
        let rule = Msg::NewRule { table, chain: "A".into(), exprs, comment, place };
        let error = answer(vec![Msg::NewTable { table: Table::Nat }, chain, rule]);
        let BackendError::NoExtension { missing, errno, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*errno, Errno::NOENT);
        assert!(missing.contains("target `NOSUCH` revision 2 for ip6"), "{missing}");
        assert!(missing.contains("xt_nosuch"), "{missing}");
    }

    #[test]
    fn a_jump_to_nowhere_is_refused_and_not_called_a_missing_module() {
        let chain = Msg::NewChain { table: Table::Nat, name: "A".into() };
        let exprs = vec![Expr::Immediate(crate::expr::Verdict::Jump("NOWHERE".into()))];
        let (table, place) = (Table::Nat, Place::Last);
        let comment = None;
        let rule = Msg::NewRule { table, chain: "A".into(), exprs, comment, place };
        let error = answer(vec![Msg::NewTable { table: Table::Nat }, chain, rule]);
        let BackendError::Refused { errno: Errno::NOENT, at, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(at.as_deref().unwrap_or("").contains("expression 1"), "{at:?}");
    }
}

//! Which xt extensions the kernel has, asked before anything is written; what it has is asked for once.
use crate::errors;
use crate::expr::Expr;
use crate::ops::Msg;
use crate::read::{Body, Messages};
use crate::wire::Socket;
use crate::write::{Request, encode_requests};
use chainkeeper_contract::{BackendError, Errno, Family};
use std::collections::{BTreeMap, BTreeSet};

/// Extensions that are to be taken for missing, as a kernel without them would answer: for tests on a
/// kernel that has them all.
pub type Lacking = &'static [(Family, &'static str)];

/// Extensions that the kernel said it has: family, whether a target, name, revision.
pub(crate) type Known = BTreeSet<(Family, bool, String, u32)>;

/// An extension that some message needs.
struct Needed<'a> {
    family: Family,
    /// The first message that needs it.
    message: usize,
    expr: &'a Expr,
}

/// The first missing extension of each family. `what` names the step of the n-th message.
pub(crate) fn missing(
    (socket, known): (&mut Socket, &mut Known),
    messages: &[(Family, Msg)],
    what: impl Fn(usize) -> String,
    lacking: Lacking,
) -> Result<BTreeMap<Family, BackendError>, BackendError> {
    let mut out = BTreeMap::new();
    let mut needed = needed(messages);
    needed.retain(|n| key(n).is_some_and(|key| !known.contains(&key)));
    if needed.is_empty() {
        return Ok(out);
    }
    let ask: Vec<_> = needed.iter().filter_map(|n| request(n, lacking)).collect();
    let seq = socket.seqs(ask.len());
    socket.send(&encode_requests(&ask, seq)).map_err(asking)?;
    while let Some(datagram) = socket.receive().map_err(asking)? {
        for message in Messages::new(datagram) {
            let message = message
                .map_err(|why| BackendError::Garbled { what: WHAT.into(), why: why.to_string() })?;
            let nth = message.seq.wrapping_sub(seq) as usize;
            let Some(needed) = needed.get(nth) else { continue };
            let errno = match message.body {
                Body::Error { errno, .. } if is_no(Errno(errno)) => errno,
                Body::Error { .. } | Body::Done => continue,
                Body::Object { .. } => {
                    known.extend(key(needed));
                    continue;
                }
            };
            out.entry(needed.family).or_insert_with(|| {
                let what = what(needed.message);
                errors::no_extension(what, needed.family, needed.expr, Errno(errno))
            });
        }
    }
    Ok(out)
}

const WHAT: &str = "ask for xt extensions";

fn asking(errno: Errno) -> BackendError {
    errors::asking(WHAT, errno)
}

/// ENOENT: no such extension. EPROTONOSUPPORT: not in this revision. EINVAL: no nft_compat. Anything
/// else tells nothing; the batch itself will.
fn is_no(errno: Errno) -> bool {
    [Errno::NOENT, Errno::PROTONOSUPPORT, Errno::INVAL].contains(&errno)
}

/// Each extension once a family.
fn needed(messages: &[(Family, Msg)]) -> Vec<Needed<'_>> {
    let mut out: Vec<Needed<'_>> = Vec::new();
    for (message, (family, msg)) in messages.iter().enumerate() {
        let Msg::NewRule { exprs, .. } = msg else { continue };
        for expr in exprs {
            let Some((target, xt)) = expr.extension() else { continue };
            let same = |n: &Needed<'_>| {
                n.family == *family
                    && n.expr
                        .extension()
                        .is_some_and(|(t, x)| (t, &x.name, x.rev) == (target, &xt.name, xt.rev))
            };
            if !out.iter().any(same) {
                out.push(Needed { family: *family, message, expr });
            }
        }
    }
    out
}

fn key(needed: &Needed<'_>) -> Option<(Family, bool, String, u32)> {
    let (target, xt) = needed.expr.extension()?;
    Some((needed.family, target, xt.name.clone(), xt.rev))
}

/// The question. One that is to be taken for missing is asked for by a name that no kernel has.
fn request<'a>(needed: &Needed<'a>, lacking: Lacking) -> Option<Request<'a>> {
    let (target, xt) = needed.expr.extension()?;
    let (family, rev) = (needed.family, xt.rev);
    let name = match lacking.contains(&(family, &xt.name)) {
        true => "nosuchextension",
        false => &xt.name,
    };
    Some(Request::Extension { family, target, name, rev })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Xt;
    use crate::write::Encoder;
    use chainkeeper_contract::{Place, Table};
    use chainkeeper_namespace::in_netns;

    fn xt(name: &str, rev: u32) -> Xt {
        Xt { name: name.into(), rev, info: vec![] }
    }

    /// What the kernel says of one rule with these expressions, in both families, and what is known then.
    fn ask(exprs: Vec<Expr>) -> (BTreeMap<Family, BackendError>, Known) {
        in_netns(|| {
            let mut socket = Socket::open(Encoder::default()).expect("socket");
            let (table, place, comment) = (Table::Nat, Place::Last, None);
            let rule = Msg::NewRule { table, chain: "A".into(), exprs, comment, place };
            let messages = Family::ALL.map(|family| (family, rule.clone()));
            let (mut known, mut before) = (Known::new(), Known::new());
            let [first, again] = [(); 2].map(|()| {
                before.clone_from(&known);
                let sent = socket.seqs(0);
                let asking = (&mut socket, &mut known);
                let out = missing(asking, &messages, |n| format!("message {n}"), &[]);
                (out.expect("asked"), socket.seqs(0) - sent > 1)
            });
            assert_eq!(first.0, again.0, "the same is missing");
            assert_eq!(before, known, "nothing new is learnt");
            assert!(first.1);
            assert_eq!(again.1, !first.0.is_empty(), "asked again only for what is missing");
            (first.0, known)
        })
    }

    #[test]
    fn what_we_need_is_there_and_asking_finds_it() {
        let all =
            [("comment", 0), ("mark", 1), ("conntrack", 3)].map(|(n, r)| Expr::Match(xt(n, r)));
        let targets = [("MARK", 2), ("MASQUERADE", 0)].map(|(n, r)| Expr::Target(xt(n, r)));
        let (missing, known) = ask([&all[..], &targets].concat());
        assert_eq!(missing, BTreeMap::new());
        assert_eq!(known.len(), 2 * (all.len() + targets.len()), "{known:?}");
    }

    #[test]
    fn a_name_or_a_revision_that_is_missing_is_told_apart_in_each_family() {
        for (expr, errno, words) in [
            (Expr::Match(xt("nosuch", 0)), Errno::NOENT, "no match `nosuch` revision 0 for"),
            (
                Expr::Target(xt("MARK", 9)),
                Errno::PROTONOSUPPORT,
                "but not this one: target `MARK` revision 9 for",
            ),
            (Expr::Target(xt("mark", 1)), Errno::NOENT, "no target `mark` revision 1 for"),
        ] {
            let (missing, known) = ask(vec![Expr::Match(xt("comment", 0)), expr]);
            assert_eq!((missing.len(), known.len()), (2, 2), "{missing:?} {known:?}");
            for (family, error) in missing {
                let BackendError::NoExtension { what, errno: found, missing } = error else {
                    panic!("{error:?}")
                };
                assert_eq!(what, format!("message {}", u8::from(family == Family::Ipv6)));
                assert_eq!(found, errno);
                assert!(
                    missing.contains(words) && missing.contains(family.nft_name()),
                    "{missing}"
                );
            }
        }
    }
}

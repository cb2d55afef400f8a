//! xt extensions for mark, comment, conntrack, MARK and MASQUERADE.
use crate::expr::{Expr, Xt};
use chainkeeper_contract::{Cond, CtStates, Family, Mark, Rule};

/// Comment, mark and conntrack.
pub(super) fn matches(rule: &Rule, out: &mut Vec<Expr>) {
    out.extend(rule.comment.as_deref().map(comment));
    out.extend(rule.matches.mark.as_ref().map(mark_match));
    out.extend(rule.matches.ctstate.as_ref().map(conntrack));
}

fn xt(name: &str, rev: u32, info: Vec<u8>) -> Xt {
    Xt { name: name.into(), rev, info }
}

/// struct xt_mark_tginfo2: mark, mask.
pub(super) fn mark(value: u32, mask: u32) -> Expr {
    Expr::Target(xt("MARK", 2, [value.to_ne_bytes(), mask.to_ne_bytes()].concat()))
}

/// struct xt_comment_info: 256 bytes, NUL padded. The last byte stays NUL.
fn comment(text: &str) -> Expr {
    let mut info = vec![0; 256];
    let len = text.len().min(255);
    info[..len].copy_from_slice(&text.as_bytes()[..len]);
    Expr::Match(xt("comment", 0, info))
}

/// struct xt_mark_mtinfo1: mark, mask, invert; 12 bytes padded to 16.
fn mark_match(cond: &Cond<Mark>) -> Expr {
    let mut info = vec![0; 16];
    info[0..4].copy_from_slice(&cond.value.value.to_ne_bytes());
    info[4..8].copy_from_slice(&cond.value.mask.to_ne_bytes());
    info[8] = u8::from(cond.negated);
    Expr::Match(xt("mark", 1, info))
}

/// struct xt_conntrack_mtinfo3: match_flags @146, invert_flags @148, state_mask @150.
fn conntrack(cond: &Cond<CtStates>) -> Expr {
    let mut info = vec![0; 168];
    info[146..148].copy_from_slice(&1u16.to_ne_bytes());
    info[148..150].copy_from_slice(&u16::from(cond.negated).to_ne_bytes());
    info[150..152].copy_from_slice(&cond.value.0.to_ne_bytes());
    Expr::Match(xt("conntrack", 3, info))
}

/// ip: struct nf_nat_ipv4_multi_range_compat (rangesize 1); ip6: struct nf_nat_range.
pub(super) fn masquerade(family: Family, flags: u32) -> Expr {
    let info = match family {
        Family::Ipv4 => {
            let mut info = vec![0; 24];
            info[0..4].copy_from_slice(&1u32.to_ne_bytes());
            info[4..8].copy_from_slice(&flags.to_ne_bytes());
            info
        }
        Family::Ipv6 => {
            let mut info = vec![0; 40];
            info[0..4].copy_from_slice(&flags.to_ne_bytes());
            info
        }
    };
    Expr::Target(xt("MASQUERADE", 0, info))
}

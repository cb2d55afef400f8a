//! Meaning to expressions: the one dialect that every iptables-nft from 1.8.2 to 1.8.13 reads back
//! (the rule bytes that 1.8.6 sends: xt for mark, comment, conntrack, MARK, MASQUERADE; addresses in
//! full width with a bitwise where the prefix is shorter).
use crate::expr::{Expr, Verdict, Xt};
use crate::uapi::{NFT_CMP_EQ, NFT_CMP_NEQ, NFT_PAYLOAD_NETWORK_HEADER, NFT_REG_1};
use chainkeeper_contract::{Action, Cond, CtStates, Family, Mark, Prefix, Rule};
use std::net::IpAddr;

/// The expressions of a rule, in the order iptables-nft gives them: source, destination, comment,
/// mark, conntrack, counter, action.
pub fn lower(family: Family, rule: &Rule) -> Vec<Expr> {
    let mut out = Vec::new();
    let (source, destination) = address_offsets(family);
    if let Some(cond) = &rule.matches.source {
        address(cond, source, &mut out);
    }
    if let Some(cond) = &rule.matches.destination {
        address(cond, destination, &mut out);
    }
    out.extend(rule.comment.as_deref().map(comment));
    out.extend(rule.matches.mark.as_ref().map(mark_match));
    out.extend(rule.matches.ctstate.as_ref().map(conntrack));
    out.push(Expr::Counter { packets: 0, bytes: 0 });
    out.push(match &rule.action {
        Action::Drop => Expr::Immediate(Verdict::Drop),
        Action::Return => Expr::Immediate(Verdict::Return),
        Action::Jump(to) => Expr::Immediate(Verdict::Jump(to.to_string())),
        Action::Mark { value, mask } => {
            Expr::Target(xt("MARK", 2, [value.to_ne_bytes(), mask.to_ne_bytes()].concat()))
        }
        Action::Masquerade { random_fully } => masquerade(family, *random_fully),
    });
    out
}

/// Offsets of source and destination address in the network header, in bytes.
pub(crate) fn address_offsets(family: Family) -> (u32, u32) {
    match family {
        Family::Ipv4 => (12, 16),
        Family::Ipv6 => (8, 24),
    }
}

fn xt(name: &str, rev: u32, info: Vec<u8>) -> Xt {
    Xt { name: name.into(), rev, info }
}

fn address(cond: &Cond<Prefix>, offset: u32, out: &mut Vec<Expr>) {
    let data = match cond.value.addr {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    };
    let len = data.len();
    let base = NFT_PAYLOAD_NETWORK_HEADER;
    out.push(Expr::Payload { dreg: NFT_REG_1, base, offset, len: len as u32 });
    let bits = usize::from(cond.value.len);
    if bits < len * 8 {
        let mask = (0..len).map(|i| prefix_byte(bits, i)).collect();
        out.push(Expr::Bitwise { sreg: NFT_REG_1, dreg: NFT_REG_1, mask, xor: vec![0; len] });
    }
    let op = if cond.negated { NFT_CMP_NEQ } else { NFT_CMP_EQ };
    out.push(Expr::Cmp { sreg: NFT_REG_1, op, data });
}

/// Byte `i` of the netmask of a prefix of `bits`.
fn prefix_byte(bits: usize, i: usize) -> u8 {
    match bits.saturating_sub(i * 8) {
        0 => 0,
        n if n >= 8 => 0xff,
        n => 0xff << (8 - n),
    }
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

/// NF_NAT_RANGE_PROTO_RANDOM_FULLY.
pub(crate) const RANDOM_FULLY: u32 = 0x10;

/// ip: struct nf_nat_ipv4_multi_range_compat (rangesize 1); ip6: struct nf_nat_range.
fn masquerade(family: Family, random_fully: bool) -> Expr {
    let flags = if random_fully { RANDOM_FULLY } else { 0 };
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

//! Meaning to expressions, in one of two dialects.
pub(crate) mod native;
mod xt;

use crate::expr::{Expr, Verdict};
use crate::uapi::{NFT_CMP_EQ, NFT_CMP_NEQ, NFT_PAYLOAD_NETWORK_HEADER, NFT_REG_1};
use chainkeeper_contract::{Action, Cond, Family, Prefix, Rule};
use std::net::IpAddr;

/// How a rule is put into expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// The one that every iptables-nft from 1.8.2 to 1.8.13 reads back: the rule bytes that 1.8.6
    /// sends.
    #[default]
    Xt,
    /// Without xt extensions, for kernels that have none. No iptables-nft can read it: each gives up the
    /// table, and none misreads a rule.
    Native,
}

/// What a NEWRULE carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// The expressions.
    pub exprs: Vec<Expr>,
    /// A comment kept in the rule's userdata (native; in xt it is an expression).
    pub comment: Option<String>,
}

/// A rule that the dialect cannot say as one kernel rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inexpressible(pub String);

/// The expressions of a rule, in the order iptables-nft gives them: source, destination, comment,
/// mark, conntrack, counter, action.
pub fn lower(family: Family, dialect: Dialect, rule: &Rule) -> Result<Lowered, Inexpressible> {
    let mut exprs = Vec::new();
    let (source, destination) = address_offsets(family);
    if let Some(cond) = &rule.matches.source {
        address(cond, source, &mut exprs);
    }
    if let Some(cond) = &rule.matches.destination {
        address(cond, destination, &mut exprs);
    }
    match dialect {
        Dialect::Xt => xt::matches(rule, &mut exprs),
        Dialect::Native => native::matches(rule, &mut exprs)?,
    }
    exprs.push(Expr::Counter { packets: 0, bytes: 0 });
    match &rule.action {
        Action::Drop => exprs.push(Expr::Immediate(Verdict::Drop)),
        Action::Return => exprs.push(Expr::Immediate(Verdict::Return)),
        Action::Jump(to) => exprs.push(Expr::Immediate(Verdict::Jump(to.to_string()))),
        Action::Mark { value, mask } => match dialect {
            Dialect::Xt => exprs.push(xt::mark(*value, *mask)),
            Dialect::Native => exprs.extend(native::mark(*value, *mask)),
        },
        Action::Masquerade { random_fully } => {
            let flags = if *random_fully { RANDOM_FULLY } else { 0 };
            exprs.push(match dialect {
                Dialect::Xt => xt::masquerade(family, flags),
                Dialect::Native => Expr::Masq { flags },
            });
        }
    }
    let comment = match dialect {
        Dialect::Xt => None,
        Dialect::Native => rule.comment.clone(),
    };
    Ok(Lowered { exprs, comment })
}

/// NF_NAT_RANGE_PROTO_RANDOM_FULLY.
pub(crate) const RANDOM_FULLY: u32 = 0x10;

/// Offsets of source and destination address in the network header, in bytes.
pub(crate) fn address_offsets(family: Family) -> (u32, u32) {
    match family {
        Family::Ipv4 => (12, 16),
        Family::Ipv6 => (8, 24),
    }
}

/// In full width, with a bitwise where the prefix is shorter.
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
        out.push(and((0..len).map(|i| prefix_byte(bits, i)).collect()));
    }
    out.push(cmp(cond.negated, data));
}

/// Keeps these bits of register 1.
fn and(mask: Vec<u8>) -> Expr {
    let xor = vec![0; mask.len()];
    Expr::Bitwise { sreg: NFT_REG_1, dreg: NFT_REG_1, mask, xor }
}

/// Goes on only if register 1 is (not) this.
fn cmp(negated: bool, data: Vec<u8>) -> Expr {
    Expr::Cmp { sreg: NFT_REG_1, op: if negated { NFT_CMP_NEQ } else { NFT_CMP_EQ }, data }
}

/// Byte `i` of the netmask of a prefix of `bits`.
fn prefix_byte(bits: usize, i: usize) -> u8 {
    match bits.saturating_sub(i * 8) {
        0 => 0,
        n if n >= 8 => 0xff,
        n => 0xff << (8 - n),
    }
}

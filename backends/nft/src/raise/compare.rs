//! Meaning of a load and what follows it: a comparison, or a new mark.
use super::{Raising, once, u32_at, zero};
use crate::expr::Expr;
use crate::lower::{address_offsets, native};
use crate::uapi::{
    NFT_CMP_EQ, NFT_CMP_NEQ, NFT_CT_STATE, NFT_META_MARK, NFT_PAYLOAD_NETWORK_HEADER,
};
use chainkeeper_contract::{Action, Cond, CtStates, Family, Mark, Prefix};
use std::net::IpAddr;

/// A comparison of what was loaded, perhaps masked.
struct Comparison<'e> {
    mask: Option<&'e [u8]>,
    negated: bool,
    data: &'e [u8],
}

impl Raising {
    /// Reads on after a load into register `reg`; what is left of the rule.
    pub(super) fn loaded<'e>(
        &mut self,
        load: &Expr,
        reg: u32,
        rest: &'e [Expr],
    ) -> Option<&'e [Expr]> {
        if let (Expr::Meta { key: NFT_META_MARK, .. }, Some((action, tail))) =
            (load, new_mark(reg, rest))
        {
            self.action = Some(action);
            return Some(tail);
        }
        let (cmp, tail) = comparison(reg, rest)?;
        match load {
            Expr::Meta { key: NFT_META_MARK, .. } => self.mark(&cmp)?,
            Expr::Payload { base: NFT_PAYLOAD_NETWORK_HEADER, offset, len, .. } => {
                self.address(*offset, *len, &cmp)?;
            }
            Expr::Ct { key, .. } => self.conntrack(*key, &cmp)?,
            Expr::Meta { .. }
            | Expr::Payload { .. }
            | Expr::Match(_)
            | Expr::Target(_)
            | Expr::Counter { .. }
            | Expr::Bitwise { .. }
            | Expr::Cmp { .. }
            | Expr::MetaSet { .. }
            | Expr::Masq { .. }
            | Expr::Immediate(_)
            | Expr::Other(_) => return None,
        }
        Some(tail)
    }

    fn mark(&mut self, cmp: &Comparison<'_>) -> Option<()> {
        (cmp.data.len() == 4).then_some(())?;
        let mask = cmp.mask.map_or(Some(u32::MAX), |m| u32_at(m, 0))?;
        let value = Mark { value: u32_at(cmp.data, 0)?, mask };
        once(&mut self.matches.mark, Cond { negated: cmp.negated, value })
    }

    fn address(&mut self, offset: u32, len: u32, cmp: &Comparison<'_>) -> Option<()> {
        (cmp.data.len() == len as usize).then_some(())?;
        let value = prefix(self.family, cmp.data, cmp.mask)?;
        let (source, destination) = address_offsets(self.family);
        let slot = match offset {
            o if o == source => &mut self.matches.source,
            o if o == destination => &mut self.matches.destination,
            _ => return None,
        };
        once(slot, Cond { negated: cmp.negated, value })
    }

    /// "Some of these bits": masked, and not zero.
    fn conntrack(&mut self, key: u32, cmp: &Comparison<'_>) -> Option<()> {
        (cmp.data.len() == 4 && zero(cmp.data)).then_some(())?;
        let bits = u32_at(cmp.mask?, 0)?;
        if (key, bits, cmp.negated) == (NFT_CT_STATE, native::ANY_STATE, true) {
            self.guarded = true; // true of every packet, see `lower::native`
            return Some(());
        }
        let value = CtStates(native::states(key, bits)?);
        let slot = if key == NFT_CT_STATE { &mut self.state } else { &mut self.status };
        once(slot, Cond { negated: !cmp.negated, value })
    }
}

/// Mark loaded, changed, stored: new mark = (old & mask) ^ xor.
fn new_mark(reg: u32, rest: &[Expr]) -> Option<(Action, &[Expr])> {
    let [Expr::Bitwise { sreg, dreg, mask, xor }, Expr::MetaSet { sreg: from, key }, tail @ ..] =
        rest
    else {
        return None;
    };
    let whole = [*sreg, *dreg, *from] == [reg; 3] && *key == NFT_META_MARK && mask.len() == 4;
    let (value, mask) = (u32_at(xor, 0)?, !u32_at(mask, 0)?);
    whole.then_some((Action::Mark { value, mask }, tail))
}

fn comparison(reg: u32, rest: &[Expr]) -> Option<(Comparison<'_>, &[Expr])> {
    let (mask, rest) = match rest.split_first()? {
        (Expr::Bitwise { sreg, dreg, mask, xor }, tail) => {
            let plain = [*sreg, *dreg] == [reg; 2] && zero(xor);
            (plain.then_some(Some(mask.as_slice()))?, tail)
        }
        _ => (None, rest),
    };
    let (Expr::Cmp { sreg, op, data }, tail) = rest.split_first()? else { return None };
    (*sreg == reg && mask.is_none_or(|m| m.len() == data.len())).then_some(())?;
    let negated = match *op {
        NFT_CMP_EQ => false,
        NFT_CMP_NEQ => true,
        _ => return None,
    };
    Some((Comparison { mask, negated, data }, tail))
}

/// A prefix from a comparison of the address's first bytes, with or without a netmask.
fn prefix(family: Family, data: &[u8], mask: Option<&[u8]>) -> Option<Prefix> {
    let width = usize::from(family.address_bits()) / 8;
    (!data.is_empty() && data.len() <= width).then_some(())?;
    let len = match mask {
        Some(mask) => netmask_len(mask)?,
        None => data.len() * 8,
    };
    let mut full = [0u8; 16];
    full[..data.len()].copy_from_slice(data);
    let addr: IpAddr = match family {
        Family::Ipv4 => <[u8; 4]>::try_from(&full[..4]).ok()?.into(),
        Family::Ipv6 => full.into(),
    };
    // Bits beyond the mask would make the comparison fail always: not a prefix match.
    let found = Prefix::new(addr, u8::try_from(len).ok()?)?;
    (found.addr == addr).then_some(found)
}

fn netmask_len(mask: &[u8]) -> Option<usize> {
    let ones: usize = mask.iter().take_while(|b| **b == 0xff).count();
    let partial = mask.get(ones).map_or(0, |b| b.leading_ones() as usize);
    let rest_zero = mask.get(ones).is_none_or(|b| b.count_ones() as usize == partial)
        && zero(mask.get(ones + 1..).unwrap_or(&[]));
    rest_zero.then_some(ones * 8 + partial)
}

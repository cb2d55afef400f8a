//! Expressions to meaning. Accepts every dialect that iptables-nft 1.8.2 to 1.8.13 writes for our
//! kind of rule; anything left over makes the rule foreign, never equal to ours.
use crate::expr::{Expr, Verdict, Xt};
use crate::lower::{RANDOM_FULLY, address_offsets};
use crate::outline::outline;
use crate::uapi::{NFT_CMP_EQ, NFT_CMP_NEQ, NFT_META_MARK, NFT_PAYLOAD_NETWORK_HEADER};
use chainkeeper_contract::{
    Action, ChainName, Cond, CtStates, Family, Mark, Matches, Prefix, Rule, Seen,
};
use std::net::IpAddr;

/// The meaning of a rule, or its outline. `userdata` is NFTA_RULE_USERDATA, empty if there is none.
pub fn raise(family: Family, exprs: &[Expr], userdata: &[u8]) -> Seen {
    match Raising::new(family).all(exprs, userdata) {
        Some(rule) => Seen::Known(rule),
        None => Seen::Foreign(outline(exprs)),
    }
}

struct Raising {
    family: Family,
    matches: Matches,
    comment: Option<String>,
    action: Option<Action>,
    counted: bool,
}

impl Raising {
    fn new(family: Family) -> Raising {
        let (matches, comment, action) = Default::default();
        Raising { family, matches, comment, action, counted: false }
    }

    fn all(mut self, exprs: &[Expr], userdata: &[u8]) -> Option<Rule> {
        let mut rest = exprs;
        while let Some((expr, tail)) = rest.split_first() {
            if self.action.is_some() {
                return None; // nothing of ours goes on after its action
            }
            rest = match expr {
                Expr::Payload { .. } | Expr::Meta { .. } => self.compare(expr, tail)?,
                Expr::Match(xt) => self.xt_match(xt).map(|()| tail)?,
                Expr::Target(xt) => {
                    self.action = Some(self.target(xt)?);
                    tail
                }
                Expr::Immediate(verdict) => {
                    self.action = Some(action(verdict)?);
                    tail
                }
                Expr::Counter { .. } if !self.counted => {
                    self.counted = true;
                    tail
                }
                Expr::Counter { .. } | Expr::Bitwise { .. } | Expr::Cmp { .. } | Expr::Other(_) => {
                    return None;
                }
            };
        }
        if !userdata.is_empty() {
            let text = userdata_comment(userdata)?;
            if self.comment.as_ref().is_some_and(|c| *c != text) {
                return None;
            }
            self.comment = Some(text);
        }
        Some(Rule { matches: self.matches, action: self.action?, comment: self.comment })
    }

    /// A load, perhaps a bitwise, a comparison: an address or a mark.
    fn compare<'e>(&mut self, load: &Expr, rest: &'e [Expr]) -> Option<&'e [Expr]> {
        let (Expr::Payload { dreg: reg, .. } | Expr::Meta { dreg: reg, .. }) = load else {
            return None;
        };
        let (mask, rest) = match rest.split_first()? {
            (Expr::Bitwise { sreg, dreg, mask, xor }, tail) => {
                let plain = sreg == reg && dreg == reg && xor.iter().all(|b| *b == 0);
                (plain.then_some(Some(mask))?, tail)
            }
            _ => (None, rest),
        };
        let (Expr::Cmp { sreg, op, data }, tail) = rest.split_first()? else { return None };
        (sreg == reg && mask.is_none_or(|m| m.len() == data.len())).then_some(())?;
        let negated = match *op {
            NFT_CMP_EQ => false,
            NFT_CMP_NEQ => true,
            _ => return None,
        };
        match load {
            Expr::Meta { key: NFT_META_MARK, .. } if data.len() == 4 => {
                let mask = mask.map_or(Some(u32::MAX), |m| u32_at(m, 0))?;
                let value = Mark { value: u32_at(data, 0)?, mask };
                once(&mut self.matches.mark, Cond { negated, value })?;
            }
            Expr::Payload { base: NFT_PAYLOAD_NETWORK_HEADER, offset, len, .. }
                if data.len() == *len as usize =>
            {
                let value = prefix(self.family, data, mask.map(Vec::as_slice))?;
                let (source, destination) = address_offsets(self.family);
                let slot = match *offset {
                    o if o == source => &mut self.matches.source,
                    o if o == destination => &mut self.matches.destination,
                    _ => return None,
                };
                once(slot, Cond { negated, value })?;
            }
            Expr::Meta { .. }
            | Expr::Payload { .. }
            | Expr::Match(_)
            | Expr::Target(_)
            | Expr::Counter { .. }
            | Expr::Bitwise { .. }
            | Expr::Cmp { .. }
            | Expr::Immediate(_)
            | Expr::Other(_) => return None,
        }
        Some(tail)
    }

    fn xt_match(&mut self, xt: &Xt) -> Option<()> {
        match (xt.name.as_str(), xt.rev) {
            ("comment", 0) if self.comment.is_none() => {
                self.comment = Some(c_string(&xt.info)?);
                Some(())
            }
            ("mark", 1) => {
                let (value, mask) = (u32_at(&xt.info, 0)?, u32_at(&xt.info, 4)?);
                let invert = *xt.info.get(8)?;
                (invert <= 1 && zero(&xt.info[9..])).then_some(())?;
                let value = Mark { value, mask };
                once(&mut self.matches.mark, Cond { negated: invert == 1, value })
            }
            ("conntrack", 3) => once(&mut self.matches.ctstate, conntrack(&xt.info)?),
            _ => None,
        }
    }

    fn target(&self, xt: &Xt) -> Option<Action> {
        match (xt.name.as_str(), xt.rev) {
            ("MARK", 2) if xt.info.len() == 8 => {
                Some(Action::Mark { value: u32_at(&xt.info, 0)?, mask: u32_at(&xt.info, 4)? })
            }
            ("MASQUERADE", 0) => {
                let flags_at = match self.family {
                    Family::Ipv4 => (u32_at(&xt.info, 0)? == 1).then_some(4)?,
                    Family::Ipv6 => 0,
                };
                let flags = u32_at(&xt.info, flags_at)?;
                let known = flags & !RANDOM_FULLY == 0 && zero(&xt.info[flags_at + 4..]);
                known.then_some(Action::Masquerade { random_fully: flags == RANDOM_FULLY })
            }
            _ => None,
        }
    }
}

fn action(verdict: &Verdict) -> Option<Action> {
    match verdict {
        Verdict::Drop => Some(Action::Drop),
        Verdict::Return => Some(Action::Return),
        Verdict::Jump(to) => Some(Action::Jump(ChainName::from(to.as_str()))),
        Verdict::Accept | Verdict::Goto(_) | Verdict::Other(_) => None,
    }
}

/// Two conditions of one kind are more than our rules can say.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

fn zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| *b == 0)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
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

fn c_string(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| *b == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok()
}

/// Only `--ctstate`: every other field zero.
fn conntrack(info: &[u8]) -> Option<Cond<CtStates>> {
    let (flags, invert, states) = (u16_at(info, 146)?, u16_at(info, 148)?, u16_at(info, 150)?);
    let only = flags == 1 && invert <= 1 && states & !CtStates::KNOWN == 0;
    (only && zero(&info[..146]) && zero(&info[152..]))
        .then_some(Cond { negated: invert == 1, value: CtStates(states) })
}

/// A comment as iptables-nft 1.8.2 and nft write it: type 0, length with NUL, text, NUL; nothing else.
fn userdata_comment(data: &[u8]) -> Option<String> {
    match data {
        [0, len, text @ ..] if text.len() == usize::from(*len) => {
            let (nul, text) = text.split_last()?;
            (*nul == 0).then(|| String::from_utf8(text.to_vec()).ok())?
        }
        _ => None,
    }
}

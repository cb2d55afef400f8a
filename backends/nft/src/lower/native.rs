//! The dialect without xt extensions, in expressions of nf_tables alone: for kernels that have no
//! nft_compat or lack an extension.
use super::{Inexpressible, and, cmp};
use crate::expr::Expr;
use crate::uapi as u;
use crate::uapi::{NFT_CT_STATE, NFT_CT_STATUS, NFT_META_MARK, NFT_REG_1};
use chainkeeper_contract::{Action, Cond, CtStates, Mark, Rule};

/// Mark and conntrack. The comment has no expression here.
pub(super) fn matches(rule: &Rule, out: &mut Vec<Expr>) -> Result<(), Inexpressible> {
    if let Some(comment) = rule.comment.as_deref().filter(|c| c.len() > u::UDATA_COMMENT_MOST) {
        let why = format!("a comment of {} bytes; {} fit", comment.len(), u::UDATA_COMMENT_MOST);
        return Err(Inexpressible(why));
    }
    // What some iptables-nft reads of a native mark is not what it says: 1.8.7 loses the match, so that
    // "drop what is marked" would read, and be restored, as "drop all"; several lose the target. An
    // expression that none of them knows makes each give up the whole table instead. This one is true
    // of every packet.
    let marks = rule.matches.mark.is_some() || matches!(rule.action, Action::Mark { .. });
    if marks && rule.matches.ctstate.is_none() {
        any_of(NFT_CT_STATE, ANY_STATE, false, out);
    }
    if let Some(cond) = &rule.matches.mark {
        mark_match(cond, out);
    }
    match &rule.matches.ctstate {
        Some(cond) => conntrack(cond, out),
        None => Ok(()),
    }
}

fn mark_match(cond: &Cond<Mark>, out: &mut Vec<Expr>) {
    out.push(Expr::Meta { dreg: NFT_REG_1, key: NFT_META_MARK });
    if cond.value.mask != u32::MAX {
        out.push(and(cond.value.mask.to_ne_bytes().into()));
    }
    out.push(cmp(cond.negated, cond.value.value.to_ne_bytes().into()));
}

/// new mark = (old & !mask) ^ value.
pub(super) fn mark(value: u32, mask: u32) -> [Expr; 3] {
    let (mask, xor) = ((!mask).to_ne_bytes().into(), value.to_ne_bytes().into());
    [
        Expr::Meta { dreg: NFT_REG_1, key: NFT_META_MARK },
        Expr::Bitwise { sreg: NFT_REG_1, dreg: NFT_REG_1, mask, xor },
        Expr::MetaSet { sreg: NFT_REG_1, key: NFT_META_MARK },
    ]
}

/// States and address translations are two questions here, and the second one breaks off for a packet
/// without an entry (invalid or untracked). So a rule that needs the "or" of both cannot be said,
/// nor one that excludes translations but means packets without an entry.
fn conntrack(cond: &Cond<CtStates>, out: &mut Vec<Expr>) -> Result<(), Inexpressible> {
    let (states, status) = (state_bits(cond.value), status_bits(cond.value));
    let no_entry = CtStates::INVALID | CtStates::UNTRACKED;
    if (cond.negated, states) == (false, ANY_STATE) {
        return Err(Inexpressible("every state: such a match is none".into()));
    }
    match (cond.negated, states != 0, status != 0) {
        (_, _, false) => any_of(NFT_CT_STATE, states, cond.negated, out),
        (false, false, true) => any_of(NFT_CT_STATUS, status, false, out),
        (true, _, true) if cond.value.0 & no_entry == no_entry => {
            any_of(NFT_CT_STATE, states, true, out);
            any_of(NFT_CT_STATUS, status, true, out);
        }
        (true, _, true) | (false, true, true) => {
            return Err(Inexpressible("states and address translations in one match".into()));
        }
    }
    Ok(())
}

/// Some of these bits are set; negated: none is.
fn any_of(key: u32, bits: u32, negated: bool, out: &mut Vec<Expr>) {
    out.push(Expr::Ct { dreg: NFT_REG_1, key });
    out.push(and(bits.to_ne_bytes().into()));
    out.push(cmp(!negated, vec![0; 4]));
}

/// NF_CT_STATE_BIT: as xt_conntrack numbers them, but untracked (1 << 6).
const STATES: [(u16, u32); 5] = [
    (CtStates::INVALID, 1),
    (CtStates::ESTABLISHED, 1 << 1),
    (CtStates::RELATED, 1 << 2),
    (CtStates::NEW, 1 << 3),
    (CtStates::UNTRACKED, 1 << 6),
];
/// All that `nft_ct_get_eval` answers: one of them, for every packet.
pub(crate) const ANY_STATE: u32 = 0x4f;
const STATUS: [(u16, u32); 2] =
    [(CtStates::SNAT, u::IPS_SRC_NAT), (CtStates::DNAT, u::IPS_DST_NAT)];

fn state_bits(states: CtStates) -> u32 {
    pick(&STATES, states)
}

fn status_bits(states: CtStates) -> u32 {
    pick(&STATUS, states)
}

fn pick(table: &[(u16, u32)], states: CtStates) -> u32 {
    table.iter().filter(|(xt, _)| states.0 & xt != 0).map(|(_, bit)| bit).sum()
}

/// The states of `ct state` bits, or of `ct status` bits; `None` if one of them has no name in xt.
pub(crate) fn states(key: u32, bits: u32) -> Option<u16> {
    let table: &[(u16, u32)] = match key {
        NFT_CT_STATE => &STATES,
        NFT_CT_STATUS => &STATUS,
        _ => return None,
    };
    let known: u32 = table.iter().map(|(_, bit)| bit).sum();
    let chosen = table.iter().filter(|(_, bit)| bits & bit != 0);
    (bits & !known == 0).then(|| chosen.map(|(xt, _)| xt).sum())
}

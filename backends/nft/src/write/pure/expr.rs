//! Our expressions as attributes.
use super::Buffer;
use crate::expr::{Expr, Verdict, Xt};
use crate::uapi as u;

pub(super) fn expression(out: &mut Buffer, expr: &Expr) {
    match expr {
        Expr::Match(ext) => named(out, "match", |b| xt(b, ext)),
        Expr::Target(ext) => named(out, "target", |b| xt(b, ext)),
        Expr::Counter { packets, bytes } => named(out, "counter", |b| {
            b.u64(u::NFTA_COUNTER_BYTES, *bytes);
            b.u64(u::NFTA_COUNTER_PACKETS, *packets);
        }),
        Expr::Payload { dreg, base, offset, len } => named(out, "payload", |b| {
            b.u32(u::NFTA_PAYLOAD_DREG, *dreg);
            b.u32(u::NFTA_PAYLOAD_BASE, *base);
            b.u32(u::NFTA_PAYLOAD_OFFSET, *offset);
            b.u32(u::NFTA_PAYLOAD_LEN, *len);
        }),
        Expr::Bitwise { sreg, dreg, mask, xor } => named(out, "bitwise", |b| {
            b.u32(u::NFTA_BITWISE_SREG, *sreg);
            b.u32(u::NFTA_BITWISE_DREG, *dreg);
            b.u32(u::NFTA_BITWISE_LEN, mask.len() as u32);
            b.nest(u::NFTA_BITWISE_MASK, |b| b.bytes(u::NFTA_DATA_VALUE, mask));
            b.nest(u::NFTA_BITWISE_XOR, |b| b.bytes(u::NFTA_DATA_VALUE, xor));
        }),
        Expr::Cmp { sreg, op, data } => named(out, "cmp", |b| {
            b.u32(u::NFTA_CMP_SREG, *sreg);
            b.u32(u::NFTA_CMP_OP, *op);
            b.nest(u::NFTA_CMP_DATA, |b| b.bytes(u::NFTA_DATA_VALUE, data));
        }),
        Expr::Meta { dreg, key } => named(out, "meta", |b| {
            b.u32(u::NFTA_META_KEY, *key);
            b.u32(u::NFTA_META_DREG, *dreg);
        }),
        Expr::MetaSet { sreg, key } => named(out, "meta", |b| {
            b.u32(u::NFTA_META_KEY, *key);
            b.u32(u::NFTA_META_SREG, *sreg);
        }),
        Expr::Ct { dreg, key } => named(out, "ct", |b| {
            b.u32(u::NFTA_CT_KEY, *key);
            b.u32(u::NFTA_CT_DREG, *dreg);
        }),
        Expr::Masq { flags } => named(out, "masq", |b| b.u32(u::NFTA_MASQ_FLAGS, *flags)),
        Expr::Immediate(verdict) => named(out, "immediate", |b| immediate(b, verdict)),
        Expr::Other(_) => {} // refused by Batch::new
    }
}

fn named(out: &mut Buffer, name: &str, data: impl FnOnce(&mut Buffer)) {
    out.text(u::NFTA_EXPR_NAME, name);
    out.nest(u::NFTA_EXPR_DATA, data);
}

fn xt(out: &mut Buffer, xt: &Xt) {
    out.text(u::NFTA_XT_NAME, &xt.name);
    out.u32(u::NFTA_XT_REV, xt.rev);
    out.bytes(u::NFTA_XT_INFO, &xt.info);
}

fn immediate(out: &mut Buffer, verdict: &Verdict) {
    let (code, chain) = verdict.code();
    out.u32(u::NFTA_IMMEDIATE_DREG, u::NFT_REG_VERDICT);
    out.nest(u::NFTA_IMMEDIATE_DATA, |b| {
        b.nest(u::NFTA_DATA_VERDICT, |b| {
            b.u32(u::NFTA_VERDICT_CODE, code.cast_unsigned());
            if let Some(chain) = chain {
                b.text(u::NFTA_VERDICT_CHAIN, chain);
            }
        });
    });
}

//! The encoder without a C library: a batch of messages as the bytes of one datagram.
use super::Writer;
use super::attr::Buffer;
use super::batch::{Batch, flags};
use crate::base::{OWNERSHIP_MARK, definition};
use crate::expr::{Expr, Verdict, Xt};
use crate::ops::Msg;
use crate::uapi as u;
use chainkeeper_contract::{Family, Place};

/// Our own encoder.
pub(super) struct Pure;

impl Writer for Pure {
    fn batch(&self, batch: &Batch<'_>) -> Vec<u8> {
        let mut out = Buffer::default();
        let control = (0, u::NFNL_SUBSYS_NFTABLES);
        out.message((u::NFNL_MSG_BATCH_BEGIN, u::NLM_F_REQUEST, batch.seq), control, |b| {
            if let Some(generation) = batch.generation {
                b.u32(u::NFNL_BATCH_GENID, generation);
            }
        });
        let mut seq = batch.seq;
        for (family, msg) in batch.messages {
            seq = seq.wrapping_add(1);
            put(&mut out, *family, msg, seq);
        }
        if batch.commit {
            let flags = u::NLM_F_REQUEST | u::NLM_F_ACK;
            out.message((u::NFNL_MSG_BATCH_END, flags, seq.wrapping_add(1)), control, |_| {});
        }
        out.finish()
    }
}

fn put(out: &mut Buffer, family: Family, msg: &Msg, seq: u32) {
    let kind = match msg {
        Msg::NewTable { .. } => u::NFT_MSG_NEWTABLE,
        Msg::NewBase { .. } | Msg::NewChain { .. } => u::NFT_MSG_NEWCHAIN,
        Msg::NewRule { .. } => u::NFT_MSG_NEWRULE,
        Msg::DelRule { .. } => u::NFT_MSG_DELRULE,
        Msg::DelChain { .. } => u::NFT_MSG_DELCHAIN,
    };
    out.message((kind, flags(msg), seq), (u::nfproto(family), 0), |b| attributes(b, msg));
}

fn attributes(b: &mut Buffer, msg: &Msg) {
    match msg {
        Msg::NewTable { table } => b.text(u::NFTA_TABLE_NAME, table.name()),
        Msg::NewBase { table, hook } => {
            let base = definition(*table, *hook);
            b.text(u::NFTA_CHAIN_TABLE, table.name());
            b.text(u::NFTA_CHAIN_NAME, hook.name());
            b.nest(u::NFTA_CHAIN_HOOK, |b| {
                b.u32(u::NFTA_HOOK_HOOKNUM, base.hook);
                b.u32(u::NFTA_HOOK_PRIORITY, base.priority.cast_unsigned());
            });
            b.u32(u::NFTA_CHAIN_POLICY, u::NF_ACCEPT.cast_unsigned());
            b.text(u::NFTA_CHAIN_TYPE, base.kind);
        }
        Msg::NewChain { table, name } => {
            b.text(u::NFTA_CHAIN_TABLE, table.name());
            b.text(u::NFTA_CHAIN_NAME, name);
            b.bytes(u::NFTA_CHAIN_USERDATA, OWNERSHIP_MARK);
        }
        Msg::NewRule { table, chain, exprs, comment, place } => {
            b.text(u::NFTA_RULE_TABLE, table.name());
            b.text(u::NFTA_RULE_CHAIN, chain);
            expressions(b, exprs);
            if let Place::Before(handle) = place {
                b.u64(u::NFTA_RULE_POSITION, handle.0);
            }
            if let Some(comment) = comment {
                b.bytes(u::NFTA_RULE_USERDATA, &userdata(comment));
            }
        }
        Msg::DelRule { table, chain, handle } => {
            b.text(u::NFTA_RULE_TABLE, table.name());
            b.text(u::NFTA_RULE_CHAIN, chain);
            b.u64(u::NFTA_RULE_HANDLE, handle.0);
        }
        Msg::DelChain { table, handle } => {
            b.text(u::NFTA_CHAIN_TABLE, table.name());
            b.u64(u::NFTA_CHAIN_HANDLE, handle.0);
        }
    }
}

/// A comment as nft keeps it: type, length with NUL, text, NUL. Its length was checked.
fn userdata(comment: &str) -> Vec<u8> {
    let len = u8::try_from(comment.len() + 1).unwrap_or(u8::MAX);
    [&[u::UDATA_RULE_COMMENT, len], comment.as_bytes(), b"\0"].concat()
}

/// NFTA_RULE_EXPRESSIONS, then NFTA_RULE_COMPAT {PROTO 0, FLAGS 0} as iptables-nft sends it.
fn expressions(out: &mut Buffer, exprs: &[Expr]) {
    out.nest(u::NFTA_RULE_EXPRESSIONS, |b| {
        for expr in exprs {
            b.nest(u::NFTA_LIST_ELEM, |b| expression(b, expr));
        }
    });
    out.nest(u::NFTA_RULE_COMPAT, |b| {
        b.u32(u::NFTA_RULE_COMPAT_PROTO, 0);
        b.u32(u::NFTA_RULE_COMPAT_FLAGS, 0);
    });
}

fn expression(out: &mut Buffer, expr: &Expr) {
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
    let (code, chain) = match verdict {
        Verdict::Drop => (u::NF_DROP, None),
        Verdict::Accept => (u::NF_ACCEPT, None),
        Verdict::Return => (u::NFT_RETURN, None),
        Verdict::Jump(to) => (u::NFT_JUMP, Some(to)),
        Verdict::Goto(to) => (u::NFT_GOTO, Some(to)),
        Verdict::Other(code) => (*code, None),
    };
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

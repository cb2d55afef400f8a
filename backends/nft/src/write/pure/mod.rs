//! The encoder without a C library: a batch of messages as the bytes of one datagram.
use super::Writer;
mod expr;

use self::expr::expression;
use super::attr::Buffer;
use super::batch::{Batch, flags};
use crate::base::{OWNERSHIP_MARK, definition};
use crate::expr::Expr;
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

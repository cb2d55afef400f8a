//! The encoder of distribution builds: libnftnl, the reference, makes every message; libmnl puts the
//! generation into BATCH_BEGIN. Rules go through the `nftnl` crate; it has no way to leave out a
//! table's flags (0 would wake a dormant one), nor to give a chain a handle or userdata, so those two
//! are made by its sys crate (`object`).
#![allow(unsafe_code)]
mod datagram;
mod expr;
mod object;

use self::datagram::Datagram;
use self::expr::Encoded;
use self::object::{ChainObject, TableObject};
use super::Writer;
use super::batch::{Batch, flags};
use crate::base::{OWNERSHIP_MARK, definition};
use crate::ops::Msg;
use crate::uapi as u;
use ::nftnl::nftnl_sys as sys;
use ::nftnl::{Chain, MsgType, ProtoFamily, Rule, Table as RuleTable};
use chainkeeper_contract::{Family, Handle, Place, Table};
use std::ffi::CString;

/// libnftnl.
pub(super) struct Nftnl;

impl Writer for Nftnl {
    fn batch(&self, batch: &Batch<'_>) -> Vec<u8> {
        let mut out = Datagram::new();
        out.begin(batch.seq, batch.generation);
        let mut seq = batch.seq;
        for (family, msg) in batch.messages {
            seq = seq.wrapping_add(1);
            put(&mut out, *family, msg, seq);
        }
        if batch.commit {
            out.end(seq.wrapping_add(1), u::NLM_F_REQUEST | u::NLM_F_ACK);
        }
        out.finish()
    }
}

fn put(out: &mut Datagram, family: Family, msg: &Msg, seq: u32) {
    let flags = flags(msg);
    let header = |kind| object::Header { kind, family, flags, seq };
    match msg {
        Msg::NewTable { table } => {
            out.table(&header(u::NFT_MSG_NEWTABLE), &TableObject::new(family, *table));
        }
        Msg::NewBase { table, hook } => {
            let base = definition(*table, *hook);
            let mut chain = ChainObject::new(family, *table);
            chain.text(sys::NFTNL_CHAIN_NAME, hook.name());
            chain.number(sys::NFTNL_CHAIN_HOOKNUM, base.hook);
            chain.number(sys::NFTNL_CHAIN_PRIO, base.priority.cast_unsigned());
            chain.number(sys::NFTNL_CHAIN_POLICY, u::NF_ACCEPT.cast_unsigned());
            chain.text(sys::NFTNL_CHAIN_TYPE, base.kind);
            out.chain(&header(u::NFT_MSG_NEWCHAIN), &chain);
        }
        Msg::NewChain { table, name } => {
            let mut chain = ChainObject::new(family, *table);
            chain.text(sys::NFTNL_CHAIN_NAME, name);
            chain.userdata(OWNERSHIP_MARK);
            out.chain(&header(u::NFT_MSG_NEWCHAIN), &chain);
        }
        Msg::DelChain { table, handle } => {
            let mut chain = ChainObject::new(family, *table);
            chain.handle(*handle);
            out.chain(&header(u::NFT_MSG_DELCHAIN), &chain);
        }
        Msg::NewRule { table, chain, exprs, comment, place } => {
            with_rule(family, *table, chain, |rule| {
                for expr in exprs {
                    rule.add_expr(&Encoded(expr));
                }
                if let Some(comment) = comment {
                    // Its length was checked; that is all that can be wrong with it.
                    let _ = rule.set_comment(c_string(comment));
                }
                if let Place::Before(Handle(handle)) = place {
                    rule.set_position(*handle);
                }
                out.rule(rule, MsgType::Add, flags, seq);
            });
        }
        Msg::DelRule { table, chain, handle } => with_rule(family, *table, chain, |rule| {
            rule.set_handle(handle.0);
            out.rule(rule, MsgType::Del, flags, seq);
        }),
    }
}

/// A rule borrows its chain and the chain its table, so they live and die here.
fn with_rule(family: Family, table: Table, chain: &str, work: impl FnOnce(&mut Rule<'_>)) {
    let proto = match family {
        Family::Ipv4 => ProtoFamily::Ipv4,
        Family::Ipv6 => ProtoFamily::Ipv6,
    };
    let table = RuleTable::new(c_string(table.name()), proto);
    let chain = Chain::new(c_string(chain), &table);
    work(&mut Rule::new(&chain));
}

/// [`Batch::new`] lets no NUL through.
fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

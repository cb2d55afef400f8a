//! Tables, chains, rules and the generation, from their attributes.
use super::expr::exprs;
use super::{Attrs, Malformed};
use crate::expr::Expr;
use crate::uapi as u;

/// A table as dumped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableMsg {
    /// Its name.
    pub name: String,
    /// NFT_TABLE_F_*.
    pub flags: u32,
    /// Netlink port of the owner, where there is one.
    pub owner: Option<u32>,
}

/// A chain as dumped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainMsg {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Unique in the table.
    pub handle: u64,
    /// Hook number and priority, for a base chain.
    pub hook: Option<(u32, i32)>,
    /// `filter`, `nat`, `route`, for a base chain.
    pub kind: Option<String>,
    /// NF_ACCEPT or NF_DROP, for a base chain.
    pub policy: Option<i32>,
    /// References: its rules, and the rules and maps that jump to it.
    pub uses: u32,
    /// NFTA_CHAIN_USERDATA.
    pub userdata: Vec<u8>,
}

/// A rule as dumped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleMsg {
    /// Its table.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// Unique in the table.
    pub handle: u64,
    /// What it does.
    pub exprs: Vec<Expr>,
    /// NFTA_RULE_USERDATA.
    pub userdata: Vec<u8>,
}

/// A commit: in an answer to GETGEN, `writer` is who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMsg {
    /// The generation that it made.
    pub generation: u32,
    /// Thread, as a number of the initial pid namespace, and command name.
    pub writer: Option<(u32, String)>,
}

/// Reads NFT_MSG_NEWTABLE.
pub fn table(attrs: &[u8]) -> Result<TableMsg, Malformed> {
    let mut out = TableMsg::default();
    for attr in Attrs::new(attrs) {
        let attr = attr?;
        match attr.kind {
            u::NFTA_TABLE_NAME => out.name = attr.text(),
            u::NFTA_TABLE_FLAGS => out.flags = attr.u32()?,
            u::NFTA_TABLE_OWNER => out.owner = Some(attr.u32()?),
            _ => {}
        }
    }
    Ok(out)
}

/// Reads NFT_MSG_NEWCHAIN.
pub fn chain(attrs: &[u8]) -> Result<ChainMsg, Malformed> {
    let mut out = ChainMsg::default();
    for attr in Attrs::new(attrs) {
        let attr = attr?;
        match attr.kind {
            u::NFTA_CHAIN_TABLE => out.table = attr.text(),
            u::NFTA_CHAIN_NAME => out.name = attr.text(),
            u::NFTA_CHAIN_HANDLE => out.handle = attr.u64()?,
            u::NFTA_CHAIN_USE => out.uses = attr.u32()?,
            u::NFTA_CHAIN_POLICY => out.policy = Some(attr.u32()?.cast_signed()),
            u::NFTA_CHAIN_TYPE => out.kind = Some(attr.text()),
            u::NFTA_CHAIN_USERDATA => out.userdata = attr.value.to_vec(),
            u::NFTA_CHAIN_HOOK => out.hook = Some(hook(attr.nested())?),
            _ => {}
        }
    }
    Ok(out)
}

fn hook(attrs: Attrs<'_>) -> Result<(u32, i32), Malformed> {
    let (mut number, mut priority) = (0, 0);
    for attr in attrs {
        let attr = attr?;
        match attr.kind {
            u::NFTA_HOOK_HOOKNUM => number = attr.u32()?,
            u::NFTA_HOOK_PRIORITY => priority = attr.u32()?.cast_signed(),
            _ => {}
        }
    }
    Ok((number, priority))
}

/// Reads NFT_MSG_NEWRULE.
pub fn rule(attrs: &[u8]) -> Result<RuleMsg, Malformed> {
    let mut out = RuleMsg::default();
    for attr in Attrs::new(attrs) {
        let attr = attr?;
        match attr.kind {
            u::NFTA_RULE_TABLE => out.table = attr.text(),
            u::NFTA_RULE_CHAIN => out.chain = attr.text(),
            u::NFTA_RULE_HANDLE => out.handle = attr.u64()?,
            u::NFTA_RULE_EXPRESSIONS => out.exprs = exprs(attr.nested())?,
            u::NFTA_RULE_USERDATA => out.userdata = attr.value.to_vec(),
            _ => {}
        }
    }
    Ok(out)
}

/// Reads NFT_MSG_NEWGEN as an answer.
pub fn generation(attrs: &[u8]) -> Result<u32, Malformed> {
    Ok(commit(attrs)?.generation)
}

/// Reads NFT_MSG_NEWGEN as news.
pub fn commit(attrs: &[u8]) -> Result<CommitMsg, Malformed> {
    let (mut generation, mut thread, mut name) = (None, None, None);
    for attr in Attrs::new(attrs) {
        let attr = attr?;
        match attr.kind {
            u::NFTA_GEN_ID => generation = Some(attr.u32()?),
            u::NFTA_GEN_PROC_PID => thread = Some(attr.u32()?),
            u::NFTA_GEN_PROC_NAME => name = Some(attr.text()),
            _ => {}
        }
    }
    let generation = generation.ok_or(Malformed("a generation message has no generation"))?;
    Ok(CommitMsg { generation, writer: thread.zip(name) })
}

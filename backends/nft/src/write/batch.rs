//! A batch that can be encoded: checked once, so that no encoder can fail or be led out of bounds.
use crate::expr::{Expr, Verdict};
use crate::ops::Msg;
use crate::uapi as u;
use chainkeeper_contract::{Family, Place};

/// NFT_DATA_VALUE_MAXLEN: what a register holds, and the room libnftnl has for it.
const REGISTERS: usize = 64;
/// An attribute's length is 16 bits; expressions with their headers must stay below.
const EXPRESSIONS: usize = 60_000;
/// No expression needs more than this beside its data and names: nine attributes with their headers.
const HEADERS: usize = 128;

/// Messages of one commit.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    pub(super) messages: &'a [(Family, Msg)],
    pub(super) generation: Option<u32>,
    pub(super) seq: u32,
    pub(super) commit: bool,
}

/// What no encoder can write: the message by number, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritable {
    /// Position among the messages.
    pub message: usize,
    /// What is wrong with it.
    pub why: String,
}

impl<'a> Batch<'a> {
    /// Checks the messages. `generation` is NFNL_BATCH_GENID: the kernel refuses the batch on any
    /// other. Without `commit` there is no BATCH_END: the kernel checks everything and rolls back.
    pub fn new(
        messages: &'a [(Family, Msg)],
        generation: Option<u32>,
        seq: u32,
        commit: bool,
    ) -> Result<Batch<'a>, Unwritable> {
        for (message, (_, msg)) in messages.iter().enumerate() {
            check(msg).map_err(|why| Unwritable { message, why })?;
        }
        Ok(Batch { messages, generation, seq, commit })
    }
}

/// The netlink flags of a message, the same for every encoder.
pub(super) fn flags(msg: &Msg) -> u16 {
    let flags = match msg {
        Msg::NewTable { .. } | Msg::NewBase { .. } => u::NLM_F_CREATE,
        Msg::NewChain { .. } => u::NLM_F_CREATE | u::NLM_F_EXCL,
        Msg::NewRule { place: Place::Last, .. } => u::NLM_F_CREATE | u::NLM_F_APPEND,
        Msg::NewRule { place: Place::First | Place::Before(_), .. } => u::NLM_F_CREATE,
        Msg::DelRule { .. } => 0,
        Msg::DelChain { .. } => u::NLM_F_NONREC,
    };
    flags | u::NLM_F_REQUEST
}

fn check(msg: &Msg) -> Result<(), String> {
    match msg {
        Msg::NewTable { .. } | Msg::NewBase { .. } | Msg::DelChain { .. } => Ok(()),
        Msg::NewChain { name, .. } => text("chain name", name, 255).map(drop),
        Msg::DelRule { chain, .. } => text("chain name", chain, 255).map(drop),
        Msg::NewRule { chain, exprs, comment, .. } => {
            text("chain name", chain, 255)?;
            text("comment", comment.as_deref().unwrap_or(""), u::UDATA_COMMENT_MOST)?;
            let sizes: Result<Vec<usize>, String> = exprs.iter().map(size).collect();
            match sizes?.iter().sum::<usize>() {
                0..EXPRESSIONS => Ok(()),
                n => Err(format!("its expressions would be {n} bytes")),
            }
        }
    }
}

/// An upper bound of an expression's bytes.
fn size(expr: &Expr) -> Result<usize, String> {
    let data = match expr {
        Expr::Match(xt) | Expr::Target(xt) => text("extension", &xt.name, 28)? + xt.info.len(),
        Expr::Bitwise { mask, xor, .. } if mask.len() != xor.len() => {
            return Err("mask and xor of a bitwise differ in length".into());
        }
        Expr::Bitwise { mask, xor, .. } => register(mask)? + register(xor)?,
        Expr::Cmp { data, .. } => register(data)?,
        Expr::Immediate(Verdict::Jump(to) | Verdict::Goto(to)) => text("chain name", to, 255)?,
        Expr::Immediate(Verdict::Drop | Verdict::Accept | Verdict::Return | Verdict::Other(_))
        | Expr::Counter { .. }
        | Expr::Payload { .. }
        | Expr::Meta { .. }
        | Expr::MetaSet { .. }
        | Expr::Ct { .. }
        | Expr::Masq { .. } => 0,
        Expr::Other(name) => return Err(format!("no encoder knows the expression `{name}`")),
    };
    Ok(HEADERS + data)
}

fn register(data: &[u8]) -> Result<usize, String> {
    match data.len() {
        1..=REGISTERS => Ok(data.len()),
        n => Err(format!("{n} bytes for a register")),
    }
}

/// The length of a text that the kernel reads up to its NUL.
fn text(what: &str, value: &str, most: usize) -> Result<usize, String> {
    match (value.contains('\0'), value.len()) {
        (true, _) => Err(format!("a NUL in {what} {value:?}")),
        (false, n) if n > most => Err(format!("{what} of {n} bytes, at most {most}")),
        (false, n) => Ok(n),
    }
}

//! nf_tables expressions as values: what `lower` makes, `raise` reads, `write` and `read` carry.
//! Registers and key numbers are the kernel's; data bytes are in the order the kernel holds them.
use crate::uapi as u;

/// A verdict of an `immediate` expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// NF_DROP.
    Drop,
    /// NF_ACCEPT.
    Accept,
    /// NFT_RETURN.
    Return,
    /// NFT_JUMP to a chain.
    Jump(String),
    /// NFT_GOTO to a chain.
    Goto(String),
    /// Any other code.
    Other(i32),
}

impl Verdict {
    /// NFTA_VERDICT_CODE, and NFTA_VERDICT_CHAIN where there is one.
    pub(crate) fn code(&self) -> (i32, Option<&str>) {
        match self {
            Verdict::Drop => (u::NF_DROP, None),
            Verdict::Accept => (u::NF_ACCEPT, None),
            Verdict::Return => (u::NFT_RETURN, None),
            Verdict::Jump(to) => (u::NFT_JUMP, Some(to)),
            Verdict::Goto(to) => (u::NFT_GOTO, Some(to)),
            Verdict::Other(code) => (*code, None),
        }
    }
}

/// One expression of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// An xt match through nft_compat.
    Match(Xt),
    /// An xt target through nft_compat.
    Target(Xt),
    /// Packet and byte counter.
    Counter {
        /// Packets counted.
        packets: u64,
        /// Bytes counted.
        bytes: u64,
    },
    /// Loads packet bytes into a register.
    Payload {
        /// Destination register.
        dreg: u32,
        /// 0 link, 1 network, 2 transport header.
        base: u32,
        /// Bytes from there.
        offset: u32,
        /// Bytes to load.
        len: u32,
    },
    /// reg = (reg & mask) ^ xor (NFT_BITWISE_MASK_XOR only).
    Bitwise {
        /// Source register.
        sreg: u32,
        /// Destination register.
        dreg: u32,
        /// And-ed.
        mask: Vec<u8>,
        /// Xor-ed.
        xor: Vec<u8>,
    },
    /// Goes on only if the register compares so.
    Cmp {
        /// Source register.
        sreg: u32,
        /// NFT_CMP_EQ 0, NFT_CMP_NEQ 1, ...
        op: u32,
        /// Compared bytes.
        data: Vec<u8>,
    },
    /// Loads packet metadata into a register.
    Meta {
        /// Destination register.
        dreg: u32,
        /// NFT_META_*.
        key: u32,
    },
    /// Stores a register as packet metadata.
    MetaSet {
        /// Source register.
        sreg: u32,
        /// NFT_META_*.
        key: u32,
    },
    /// Loads a fact about the packet's connection into a register. Breaks off where there is no entry,
    /// but for NFT_CT_STATE, which is then invalid or untracked (`nft_ct_get_eval`).
    Ct {
        /// Destination register.
        dreg: u32,
        /// NFT_CT_*.
        key: u32,
    },
    /// Source translation to the outgoing interface's address.
    Masq {
        /// NF_NAT_RANGE_*.
        flags: u32,
    },
    /// Sets the verdict.
    Immediate(Verdict),
    /// Any other expression, or a form of the above that is not ours; kept by name.
    Other(String),
}

/// An xt extension: its name, revision and info blob (host byte order inside).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xt {
    /// Such as `mark` or `MASQUERADE`.
    pub name: String,
    /// Revision of the info layout.
    pub rev: u32,
    /// The extension's struct, padded to 8 bytes.
    pub info: Vec<u8>,
}

impl Expr {
    /// The xt extension, and whether it is a target.
    pub fn extension(&self) -> Option<(bool, &Xt)> {
        match self {
            Expr::Match(xt) => Some((false, xt)),
            Expr::Target(xt) => Some((true, xt)),
            Expr::Counter { .. }
            | Expr::Payload { .. }
            | Expr::Bitwise { .. }
            | Expr::Cmp { .. }
            | Expr::Meta { .. }
            | Expr::MetaSet { .. }
            | Expr::Ct { .. }
            | Expr::Masq { .. }
            | Expr::Immediate(_)
            | Expr::Other(_) => None,
        }
    }

    /// The expression's name, and the extension's where there is one.
    pub fn name(&self) -> String {
        match self {
            Expr::Match(xt) => format!("match {}", xt.name),
            Expr::Target(xt) => format!("target {}", xt.name),
            Expr::Counter { .. } => "counter".into(),
            Expr::Payload { .. } => "payload".into(),
            Expr::Bitwise { .. } => "bitwise".into(),
            Expr::Cmp { .. } => "cmp".into(),
            Expr::Meta { .. } => "meta".into(),
            Expr::MetaSet { .. } => "meta set".into(),
            Expr::Ct { .. } => "ct".into(),
            Expr::Masq { .. } => "masq".into(),
            Expr::Immediate(_) => "immediate".into(),
            Expr::Other(name) => name.clone(),
        }
    }
}

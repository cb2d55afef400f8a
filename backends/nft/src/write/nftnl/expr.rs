//! Our expressions as libnftnl's.
use super::c_string;
use super::object::{allocated, attr};
use crate::expr::{Expr, Verdict, Xt};
use crate::uapi as u;
use ::nftnl::Rule;
use ::nftnl::expr::Expression;
use ::nftnl::nftnl_sys::{self as sys, libc};
use std::ffi::CStr;
use std::ptr::NonNull;

/// An expression on its way into a rule, which frees it.
pub(super) struct Encoded<'a>(pub(super) &'a Expr);

impl Expression for Encoded<'_> {
    fn to_expr(&self, _rule: &Rule<'_>) -> NonNull<sys::nftnl_expr> {
        match self.0 {
            Expr::Match(xt) => {
                let attrs =
                    [sys::NFTNL_EXPR_MT_NAME, sys::NFTNL_EXPR_MT_REV, sys::NFTNL_EXPR_MT_INFO];
                extension(c"match", xt, attrs)
            }
            Expr::Target(xt) => {
                let attrs =
                    [sys::NFTNL_EXPR_TG_NAME, sys::NFTNL_EXPR_TG_REV, sys::NFTNL_EXPR_TG_INFO];
                extension(c"target", xt, attrs)
            }
            Expr::Counter { packets, bytes } => New::of(c"counter")
                .u64(sys::NFTNL_EXPR_CTR_PACKETS, *packets)
                .u64(sys::NFTNL_EXPR_CTR_BYTES, *bytes),
            Expr::Payload { dreg, base, offset, len } => New::of(c"payload")
                .u32(sys::NFTNL_EXPR_PAYLOAD_DREG, *dreg)
                .u32(sys::NFTNL_EXPR_PAYLOAD_BASE, *base)
                .u32(sys::NFTNL_EXPR_PAYLOAD_OFFSET, *offset)
                .u32(sys::NFTNL_EXPR_PAYLOAD_LEN, *len),
            Expr::Bitwise { sreg, dreg, mask, xor } => New::of(c"bitwise")
                .u32(sys::NFTNL_EXPR_BITWISE_SREG, *sreg)
                .u32(sys::NFTNL_EXPR_BITWISE_DREG, *dreg)
                .u32(sys::NFTNL_EXPR_BITWISE_LEN, mask.len() as u32)
                .copied(sys::NFTNL_EXPR_BITWISE_MASK, mask)
                .copied(sys::NFTNL_EXPR_BITWISE_XOR, xor),
            Expr::Cmp { sreg, op, data } => New::of(c"cmp")
                .u32(sys::NFTNL_EXPR_CMP_SREG, *sreg)
                .u32(sys::NFTNL_EXPR_CMP_OP, *op)
                .copied(sys::NFTNL_EXPR_CMP_DATA, data),
            Expr::Meta { dreg, key } => New::of(c"meta")
                .u32(sys::NFTNL_EXPR_META_KEY, *key)
                .u32(sys::NFTNL_EXPR_META_DREG, *dreg),
            Expr::MetaSet { sreg, key } => New::of(c"meta")
                .u32(sys::NFTNL_EXPR_META_KEY, *key)
                .u32(sys::NFTNL_EXPR_META_SREG, *sreg),
            Expr::Ct { dreg, key } => {
                New::of(c"ct").u32(sys::NFTNL_EXPR_CT_KEY, *key).u32(sys::NFTNL_EXPR_CT_DREG, *dreg)
            }
            Expr::Masq { flags } => New::of(c"masq").u32(sys::NFTNL_EXPR_MASQ_FLAGS, *flags),
            Expr::Immediate(verdict) => immediate(verdict),
            // Refused by Batch::new; a counter changes nothing.
            Expr::Other(_) => New::of(c"counter"),
        }
        .0
    }
}

fn extension(kind: &CStr, xt: &Xt, [name, rev, info]: [u32; 3]) -> New {
    New::of(kind).text(name, &xt.name).u32(rev, xt.rev).given(info, &xt.info)
}

fn immediate(verdict: &Verdict) -> New {
    let (code, chain) = verdict.code();
    let new = New::of(c"immediate")
        .u32(sys::NFTNL_EXPR_IMM_DREG, u::NFT_REG_VERDICT)
        .u32(sys::NFTNL_EXPR_IMM_VERDICT, code.cast_unsigned());
    match chain {
        Some(chain) => new.text(sys::NFTNL_EXPR_IMM_CHAIN, chain),
        None => new,
    }
}

/// A libnftnl expression that nobody owns yet.
struct New(NonNull<sys::nftnl_expr>);

impl New {
    fn of(kind: &CStr) -> New {
        // SAFETY: a C string. All our kinds are older than any libnftnl we link against, so only a
        // lack of memory gives null. JUSTIFICATION: the `nftnl` crate has no xt expressions, fixes
        // registers and sends empty counters.
        New(allocated(unsafe { sys::nftnl_expr_alloc(kind.as_ptr()) }))
    }

    fn u32(self, name: u32, value: u32) -> New {
        // SAFETY: the object lives; the attribute is a 32-bit one. JUSTIFICATION: see `of`.
        unsafe { sys::nftnl_expr_set_u32(self.0.as_ptr(), attr(name), value) };
        self
    }

    fn u64(self, name: u32, value: u64) -> New {
        // SAFETY: the object lives; the attribute is a 64-bit one. JUSTIFICATION: see `of`.
        unsafe { sys::nftnl_expr_set_u64(self.0.as_ptr(), attr(name), value) };
        self
    }

    fn text(self, name: u32, value: &str) -> New {
        let value = c_string(value);
        // SAFETY: the object lives; libnftnl copies names. JUSTIFICATION: see `of`.
        unsafe { sys::nftnl_expr_set_str(self.0.as_ptr(), attr(name), value.as_ptr()) };
        self
    }

    /// Bytes for a register, at most 64 (`Batch::new`): libnftnl copies them into an array.
    fn copied(self, name: u32, bytes: &[u8]) -> New {
        let len = bytes.len() as u32;
        // SAFETY: the object lives, and `bytes` has `len` bytes. JUSTIFICATION: see `of`.
        unsafe { sys::nftnl_expr_set(self.0.as_ptr(), attr(name), bytes.as_ptr().cast(), len) };
        self
    }

    /// Bytes that libnftnl keeps by their address and frees itself (TG_INFO, MT_INFO).
    fn given(self, name: u32, bytes: &[u8]) -> New {
        let len = bytes.len();
        // SAFETY: the memory is malloc's, holds `len` bytes (one at least, so it is not null), and is
        // not used after it was handed over. JUSTIFICATION: libnftnl frees it with free().
        unsafe {
            let copy = allocated(libc::malloc(len.max(1)).cast::<u8>());
            copy.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), len);
            sys::nftnl_expr_set(self.0.as_ptr(), attr(name), copy.as_ptr().cast(), len as u32);
        }
        self
    }
}

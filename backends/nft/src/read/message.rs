//! Netlink messages of a datagram: header, and what kind of answer it is.
use super::{Attrs, Malformed};
use crate::uapi::{
    NFGENMSG, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR,
    NLMSGERR_ATTR_OFFS, NLMSGHDR,
};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// An object: its nfnetlink type, family and attributes.
    Object {
        /// (subsystem << 8) | message.
        kind: u16,
        /// NFPROTO_*.
        family: u8,
        /// Attributes after the nfgenmsg.
        attrs: &'a [u8],
    },
    /// NLMSG_ERROR: 0 is an ACK.
    Error {
        /// Positive errno.
        errno: i32,
        /// Byte offset of the bad attribute in the request (extended ACK).
        offset: Option<u32>,
    },
    /// NLMSG_DONE: a dump has ended.
    Done,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Sequence number of the request.
    pub seq: u32,
    /// NLM_F_DUMP_INTR: something was committed during the dump.
    pub interrupted: bool,
    /// What it says.
    pub body: Body<'a>,
}

/// Walks the messages of a datagram.
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// Messages of one datagram, from its first byte on.
    pub fn new(datagram: &'a [u8]) -> Messages<'a> {
        Messages { rest: datagram }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let message = one(self.rest);
        match message {
            Ok((message, len)) => {
                self.rest = self.rest.get(len.next_multiple_of(4)..).unwrap_or(&[]);
                Some(Ok(message))
            }
            Err(e) => {
                self.rest = &[];
                Some(Err(e))
            }
        }
    }
}

fn one(bytes: &[u8]) -> Result<(Message<'_>, usize), Malformed> {
    let cut = Malformed("a message header is cut off");
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    let half = |at: usize| -> Option<u16> {
        Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
    };
    let len = word(0).ok_or(cut)? as usize;
    let (kind, flags) = (half(4).ok_or(cut)?, half(6).ok_or(cut)?);
    let seq = word(8).ok_or(cut)?;
    let payload =
        bytes.get(NLMSGHDR..len).ok_or(Malformed("a message is longer than its datagram"))?;
    let body = match kind {
        NLMSG_ERROR => error(payload, flags)?,
        NLMSG_DONE => done(payload),
        kind => Body::Object {
            kind,
            family: *payload.first().ok_or(Malformed("a message has no nfgenmsg"))?,
            attrs: payload.get(NFGENMSG..).ok_or(Malformed("a message has no nfgenmsg"))?,
        },
    };
    Ok((Message { seq, interrupted: flags & NLM_F_DUMP_INTR != 0, body }, len))
}

/// A dump that fails half-way says so in NLMSG_DONE.
fn done(payload: &[u8]) -> Body<'_> {
    let code = payload.get(..4).and_then(|b| b.try_into().ok()).map_or(0, i32::from_ne_bytes);
    match code {
        code if code < 0 => Body::Error { errno: code.saturating_neg(), offset: None },
        _ => Body::Done,
    }
}

fn error(payload: &[u8], flags: u16) -> Result<Body<'_>, Malformed> {
    let cut = Malformed("an error message is cut off");
    let code: [u8; 4] = payload.get(..4).and_then(|b| b.try_into().ok()).ok_or(cut)?;
    let errno = i32::from_ne_bytes(code).saturating_neg();
    let mut offset = None;
    if flags & NLM_F_ACK_TLVS != 0 {
        // The TLVs follow the request: its header alone if capped, else all of it.
        let echoed: [u8; 4] = payload.get(4..8).and_then(|b| b.try_into().ok()).ok_or(cut)?;
        let echoed = match flags & NLM_F_CAPPED {
            0 => u32::from_ne_bytes(echoed) as usize,
            _ => NLMSGHDR,
        };
        let start = echoed.next_multiple_of(4).saturating_add(4);
        for attr in Attrs::new(payload.get(start..).unwrap_or(&[])) {
            let attr = attr?;
            if attr.kind == NLMSGERR_ATTR_OFFS {
                // Host byte order, unlike nf_tables' own numbers.
                offset = attr.value.try_into().ok().map(u32::from_ne_bytes);
            }
        }
    }
    Ok(Body::Error { errno, offset })
}

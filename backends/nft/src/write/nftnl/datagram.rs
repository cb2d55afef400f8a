//! Messages that C code writes one by one, joined to one datagram.
use super::object::{ChainObject, Header, TableObject};
use crate::uapi as u;
use ::nftnl::nftnl_sys::{self as sys, libc::nlmsghdr};
use ::nftnl::{MsgType, NlMsg as _, Rule};
use mnl::mnl_sys;
use std::ffi::c_char;

/// The datagram so far, and room for the next message.
pub(super) struct Datagram {
    bytes: Vec<u8>,
    /// Where the last message starts.
    last: usize,
    /// Aligned for a `nlmsghdr`, and as large as libnftnl wants it.
    scratch: Vec<u64>,
}

impl Datagram {
    pub(super) fn new() -> Datagram {
        let room = ::nftnl::nft_nlmsg_maxsize() as usize;
        Datagram { bytes: Vec::new(), last: 0, scratch: vec![0; room.div_ceil(8)] }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn begin(&mut self, seq: u32, generation: Option<u32>) {
        let room = self.room();
        // SAFETY: `room` is aligned and larger than a header and one attribute, and `header` points
        // into it. JUSTIFICATION: nftnl's own Batch closes BEGIN before a generation can be put in.
        unsafe {
            let header = sys::nftnl_batch_begin(room, seq);
            if let Some(generation) = generation {
                mnl_sys::mnl_attr_put_u32(header.cast(), u::NFNL_BATCH_GENID, generation.to_be());
            }
        }
        self.take(u::NLM_F_REQUEST);
        self.for_nf_tables();
    }

    pub(super) fn end(&mut self, seq: u32, flags: u16) {
        let room = self.room();
        // SAFETY: `room` is aligned and larger than a header. JUSTIFICATION: nftnl's own Batch ends
        // its own pages only.
        unsafe { sys::nftnl_batch_end(room, seq) };
        self.take(flags);
        self.for_nf_tables();
    }

    /// Names the subsystem in the last message, a bare nfgenmsg or one with a generation. libnftnl up to
    /// 1.1.9 writes it in host byte order, which kernels only tolerate.
    fn for_nf_tables(&mut self) {
        let start = self.last;
        if let Some(res_id) = self.bytes.get_mut(start + 18..start + 20) {
            res_id.copy_from_slice(&u::NFNL_SUBSYS_NFTABLES.to_be_bytes());
        }
    }

    pub(super) fn table(&mut self, header: &Header, table: &TableObject) {
        let header = self.header(header);
        // SAFETY: `header` is a message begun in a room for the largest message; a table of ours is a
        // name of at most 6 bytes. JUSTIFICATION: nftnl's Table always sends flags.
        unsafe { sys::nftnl_table_nlmsg_build_payload(header, table.as_ptr()) };
        self.take_begun();
    }

    pub(super) fn chain(&mut self, header: &Header, chain: &ChainObject) {
        let header = self.header(header);
        // SAFETY: as for a table; a chain of ours is two names of at most 255 bytes, and numbers.
        // JUSTIFICATION: nftnl's Chain has neither handle nor userdata.
        unsafe { sys::nftnl_chain_nlmsg_build_payload(header, chain.as_ptr()) };
        self.take_begun();
    }

    pub(super) fn rule(&mut self, rule: &Rule<'_>, kind: MsgType, flags: u16, seq: u32) {
        let room = self.room();
        // SAFETY: `room` has the size that this method asks for, and `Batch::new` keeps a rule below
        // it. JUSTIFICATION: it is the only way to a rule's bytes; its flags are fixed.
        unsafe { rule.write(room.cast(), seq, kind) };
        self.take(flags);
    }

    fn room(&mut self) -> *mut c_char {
        self.scratch.as_mut_ptr().cast()
    }

    fn header(&mut self, header: &Header) -> *mut nlmsghdr {
        let family = u16::from(u::nfproto(header.family));
        // The subsystem is put in by libnftnl.
        let kind = header.kind & 0xff;
        let room = self.room();
        // SAFETY: `room` is aligned and larger than a header. JUSTIFICATION: an object made by the
        // sys crate has no other way to its message.
        unsafe { sys::nftnl_nlmsg_build_hdr(room, kind, family, header.flags, header.seq) }
    }

    /// Takes the message over as it was begun.
    fn take_begun(&mut self) {
        let flags = self.scratch.first().map_or([0; 8], |w| w.to_ne_bytes());
        self.take(u16::from_ne_bytes([flags[6], flags[7]]));
    }

    /// Takes the message in the scratch over, with these flags. The scratch is left zeroed: libmnl 1.0.4
    /// does not clear the padding of attributes.
    fn take(&mut self, flags: u16) {
        let start = self.bytes.len();
        self.last = start;
        let head = self.scratch.first().map_or([0; 8], |w| w.to_ne_bytes());
        let len = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let words = self.scratch.iter_mut().take(len.div_ceil(8));
        self.bytes.extend(words.flat_map(|w| std::mem::take(w).to_ne_bytes()));
        self.bytes.resize(start + len.next_multiple_of(4), 0);
        if let Some(field) = self.bytes.get_mut(start + 6..start + 8) {
            field.copy_from_slice(&flags.to_ne_bytes());
        }
    }
}

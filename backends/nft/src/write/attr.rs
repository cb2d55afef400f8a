//! Puts netlink messages and attributes into a buffer.
use crate::uapi::{NLA_F_NESTED, NLMSGHDR};

/// A growing datagram.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// With room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Buffer {
        Buffer(Vec::with_capacity(bytes))
    }

    /// The datagram.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// One message: header, nfgenmsg, and what `body` puts in. `kind` is (subsystem << 8) | message,
    /// `family` one of NFPROTO_*; `res_id` is host order here.
    pub fn message(
        &mut self,
        (kind, flags, seq): (u16, u16, u32),
        (family, res_id): (u8, u16),
        body: impl FnOnce(&mut Buffer),
    ) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(&flags.to_ne_bytes());
        self.0.extend_from_slice(&seq.to_ne_bytes());
        self.0.extend_from_slice(&[0; 4]);
        debug_assert_eq!(self.0.len() - start, NLMSGHDR);
        self.0.extend_from_slice(&[family, 0]);
        self.0.extend_from_slice(&res_id.to_be_bytes());
        body(self);
        let len = (self.0.len() - start) as u32;
        self.0[start..start + 4].copy_from_slice(&len.to_ne_bytes());
    }

    /// An attribute as it is.
    pub fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.put(kind, |b| b.0.extend_from_slice(value));
    }

    pub(super) fn text(&mut self, kind: u16, value: &str) {
        self.put(kind, |b| {
            b.0.extend_from_slice(value.as_bytes());
            b.0.push(0);
        });
    }

    /// A big-endian u32, as netfilter carries numbers.
    pub fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(super) fn nest(&mut self, kind: u16, body: impl FnOnce(&mut Buffer)) {
        self.put(kind | NLA_F_NESTED, body);
    }

    /// The length field is 16 bits; our longest attribute, one rule's expressions, is far below
    /// (a comment is 284 bytes), and what the kernel gets is refused, not misread, if it wraps.
    fn put(&mut self, kind: u16, body: impl FnOnce(&mut Buffer)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 2]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        body(self);
        let len = u16::try_from(self.0.len() - start).unwrap_or(u16::MAX);
        self.0[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

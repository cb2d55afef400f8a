//! Netlink attributes: u16 length (with header), u16 type, value, padding to 4 bytes.
use super::Malformed;
use crate::uapi::NLA_TYPE_MASK;

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr<'a> {
    /// Its type without the nested and byte order flags.
    pub kind: u16,
    /// Its value without padding.
    pub value: &'a [u8],
    /// Where it starts in the bytes that were given.
    pub offset: usize,
}

impl<'a> Attr<'a> {
    /// A big-endian u32, as nf_tables carries numbers.
    pub fn u32(&self) -> Result<u32, Malformed> {
        let bytes = self.value.try_into().map_err(|_| Malformed("a number is not 4 bytes long"))?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// A big-endian u64.
    pub fn u64(&self) -> Result<u64, Malformed> {
        let bytes = self.value.try_into().map_err(|_| Malformed("a number is not 8 bytes long"))?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// A NUL-terminated name. Bytes that are not UTF-8 are replaced: such a name is never ours.
    pub fn text(&self) -> String {
        let end = self.value.iter().position(|b| *b == 0).unwrap_or(self.value.len());
        let bytes = &self.value[..end];
        std::str::from_utf8(bytes)
            .map_or_else(|_| String::from_utf8_lossy(bytes).into(), String::from)
    }

    /// The attributes inside.
    pub fn nested(&self) -> Attrs<'a> {
        Attrs::new(self.value)
    }
}

/// Walks the attributes of a stretch of bytes.
#[derive(Debug, Clone)]
pub struct Attrs<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Attrs<'a> {
    /// Attributes from the first byte on.
    pub fn new(bytes: &'a [u8]) -> Attrs<'a> {
        Attrs { bytes, at: 0 }
    }
}

impl<'a> Iterator for Attrs<'a> {
    type Item = Result<Attr<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|r| !r.is_empty())?;
        let offset = self.at;
        let (Some(len), Some(kind)) = (u16_ne(rest, 0), u16_ne(rest, 2)) else {
            self.at = self.bytes.len();
            return Some(Err(Malformed("an attribute header is cut off")));
        };
        let len = usize::from(len);
        let Some(value) = rest.get(4..len) else {
            self.at = self.bytes.len();
            return Some(Err(Malformed("an attribute is longer than its message, or too short")));
        };
        self.at = offset + len.next_multiple_of(4);
        Some(Ok(Attr { kind: kind & NLA_TYPE_MASK, value, offset }))
    }
}

fn u16_ne(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

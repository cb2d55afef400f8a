//! Messages to the bytes of one batch. Two encoders that share only numbers and message flags must agree:
//! `pure` (no C library) and `nftnl` (libnftnl, the reference).
mod attr;
mod batch;
#[cfg(feature = "nftnl")]
mod nftnl;
mod pure;
mod request;

pub use attr::Buffer;
pub use batch::{Batch, Unwritable};
pub use request::{Request, encode as encode_requests};

/// Turns messages into bytes.
pub trait Writer {
    /// The datagram: BATCH_BEGIN with sequence number `batch.seq`, message `i` with `seq + 1 + i`,
    /// BATCH_END with the next where the batch commits.
    fn batch(&self, batch: &Batch<'_>) -> Vec<u8>;
}

/// The encoders of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoder {
    /// libnftnl; messages go through libmnl's socket.
    #[cfg(feature = "nftnl")]
    Nftnl,
    /// Our own, without any C library.
    Pure,
}

impl Encoder {
    /// Every encoder of this build.
    pub const ALL: &'static [Encoder] = &[
        #[cfg(feature = "nftnl")]
        Encoder::Nftnl,
        Encoder::Pure,
    ];

    /// The name of its cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "nftnl")]
            Encoder::Nftnl => "nftnl",
            Encoder::Pure => "pure",
        }
    }
}

impl Default for Encoder {
    /// `nftnl` where it is built in.
    fn default() -> Encoder {
        Encoder::ALL[0]
    }
}

impl Writer for Encoder {
    fn batch(&self, batch: &Batch<'_>) -> Vec<u8> {
        match self {
            #[cfg(feature = "nftnl")]
            Encoder::Nftnl => nftnl::Nftnl.batch(batch),
            Encoder::Pure => pure::Pure.batch(batch),
        }
    }
}

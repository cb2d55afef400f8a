//! Messages to the bytes of one batch. One room for each encoder; today `pure` (no C library).
mod attr;
pub mod pure;
mod request;

pub use request::{Request, encode as encode_requests};

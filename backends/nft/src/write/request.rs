//! Questions to the kernel: no batch, nothing is changed.
use super::attr::Buffer;
use crate::uapi as u;
use chainkeeper_contract::Family;

/// One question. All of them may go in one datagram, but for dumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// NFT_MSG_GETGEN.
    Generation,
    /// NFT_MSG_GETTABLE by name.
    Table(Family, &'a str),
    /// NFT_MSG_GETCHAIN by table and name.
    Chain(Family, &'a str, &'a str),
    /// NFT_MSG_GETRULE dump of a table, or of one chain of it.
    Rules(Family, &'a str, Option<&'a str>),
    /// NFT_MSG_GETTABLE dump of every family.
    Tables,
    /// NFT_MSG_GETCHAIN dump of all tables of a family.
    Chains(Family),
    /// NFNL_MSG_COMPAT_GET: is there such an xt match (or target) of that name and revision? The kernel
    /// itself may load a module to answer.
    Extension {
        /// For which family.
        family: Family,
        /// Target or match.
        target: bool,
        /// Such as `MARK`.
        name: &'a str,
        /// Revision of its info.
        rev: u32,
    },
}

/// What a question takes with names of usual length.
const ROOM: usize = 80;

/// The datagram that asks; message `i` has sequence number `seq + i`.
pub fn encode(requests: &[Request<'_>], seq: u32) -> Vec<u8> {
    let mut out = Buffer::with_room(ROOM * requests.len());
    for (i, request) in requests.iter().enumerate() {
        let seq = seq.wrapping_add(i as u32);
        let get = u::NLM_F_REQUEST;
        match request {
            Request::Generation => out.message((u::NFT_MSG_GETGEN, get, seq), (0, 0), |_| {}),
            Request::Table(family, name) => {
                let head = (u::NFT_MSG_GETTABLE, get, seq);
                out.message(head, (u::nfproto(*family), 0), |b| b.text(u::NFTA_TABLE_NAME, name));
            }
            Request::Chain(family, table, name) => {
                let head = (u::NFT_MSG_GETCHAIN, get, seq);
                out.message(head, (u::nfproto(*family), 0), |b| {
                    b.text(u::NFTA_CHAIN_TABLE, table);
                    b.text(u::NFTA_CHAIN_NAME, name);
                });
            }
            Request::Extension { family, target, name, rev } => {
                let head = (u::NFNL_MSG_COMPAT_GET, get, seq);
                out.message(head, (u::nfproto(*family), 0), |b| {
                    b.text(u::NFTA_COMPAT_NAME, name);
                    b.u32(u::NFTA_COMPAT_REV, *rev);
                    b.u32(u::NFTA_COMPAT_TYPE, u32::from(*target));
                });
            }
            Request::Tables => {
                // NFPROTO_UNSPEC: all of them.
                out.message((u::NFT_MSG_GETTABLE, get | u::NLM_F_DUMP, seq), (0, 0), |_| {});
            }
            Request::Chains(family) => {
                let head = (u::NFT_MSG_GETCHAIN, get | u::NLM_F_DUMP, seq);
                out.message(head, (u::nfproto(*family), 0), |_| {});
            }
            Request::Rules(family, table, chain) => {
                let head = (u::NFT_MSG_GETRULE, get | u::NLM_F_DUMP, seq);
                out.message(head, (u::nfproto(*family), 0), |b| {
                    b.text(u::NFTA_RULE_TABLE, table);
                    if let Some(chain) = chain {
                        b.text(u::NFTA_RULE_CHAIN, chain);
                    }
                });
            }
        }
    }
    out.finish()
}

//! The chains that are kept, by name, and what each is for. Pure. How they are filled is `policy`'s.
use chainkeeper_contract::{ChainName, Table};

pub(crate) const MARK_MASQ: &str = "KUBE-MARK-MASQ";
pub(crate) const MARK_DROP: &str = "KUBE-MARK-DROP";
pub(crate) const POSTROUTING: &str = "KUBE-POSTROUTING";
pub(crate) const FIREWALL: &str = "KUBE-FIREWALL";
pub(crate) const HINT: &str = "KUBE-IPTABLES-HINT";
pub(crate) const KUBELET_CANARY: &str = "KUBE-KUBELET-CANARY";
/// Ours where kubelet's canary is somebody else's.
pub(crate) const OWN_CANARY: &str = "CHAINKEEPER-CANARY";
/// Where the mark-drop rule lives beside a kube-proxy, which empties v4 KUBE-FIREWALL at every sync.
pub(crate) const OWN_DROP: &str = "CHAINKEEPER-DROP";

/// The chain that tells others which backend this host uses.
pub fn is_hint(table: Table, chain: &ChainName) -> bool {
    table == Table::Mangle && chain.as_str() == HINT
}

/// A canary, kubelet's or ours. Never damage.
pub fn is_canary(chain: &ChainName) -> bool {
    is_shared_canary(chain) || chain.as_str() == OWN_CANARY
}

/// A chain without which a connection begins unmasqueraded.
pub fn masquerades(table: Table, chain: &ChainName) -> bool {
    table == Table::Nat && [MARK_MASQ, POSTROUTING].contains(&chain.as_str())
}

/// A chain that some profile keeps.
pub fn is_known(table: Table, chain: &ChainName) -> bool {
    let of = match table {
        Table::Nat => &[MARK_MASQ, MARK_DROP, POSTROUTING][..],
        Table::Filter => &[FIREWALL, OWN_DROP],
        Table::Mangle => &[HINT],
    };
    of.contains(&chain.as_str()) || is_canary(chain)
}

/// KUBE-KUBELET-CANARY.
pub fn is_shared_canary(chain: &ChainName) -> bool {
    chain.as_str() == KUBELET_CANARY
}

//! The two places where chains are kept, from the node's side.
use crate::engines::Want;
use crate::node::Node;

/// Where the chains are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Nft,
    Legacy,
}

impl Backend {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Backend::Nft => "nft",
            Backend::Legacy => "legacy",
        }
    }

    /// A container as its manifest has it.
    pub(crate) fn want(self) -> Want {
        match self {
            Backend::Nft => Want::nft(),
            Backend::Legacy => Want::legacy(),
        }
    }

    /// Takes everything, as an administrator does.
    pub(crate) fn wipe(self) -> &'static str {
        match self {
            Backend::Nft => "nft flush ruleset",
            Backend::Legacy => {
                "for t in nat filter mangle; do for i in iptables-legacy ip6tables-legacy; do
                    $i -w -t $t -F; $i -w -t $t -X; done; done"
            }
        }
    }

    /// Is our chain on the node, with its rule, as a user of it would see it?
    pub(crate) fn there(self, node: &Node) -> bool {
        let tool = match self {
            Backend::Nft => "iptables-nft",
            Backend::Legacy => "iptables-legacy -w",
        };
        node.try_sh(&format!("{tool} -t nat -S KUBE-MARK-MASQ | grep -q 0x4000")).code == 0
    }
}

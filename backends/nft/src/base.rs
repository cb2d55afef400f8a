//! Tables and base chains as iptables-nft defines them, and the mark on chains that we create.
use chainkeeper_contract::{Hook, Table};

/// NFTA_CHAIN_USERDATA of every chain we create: one TLV (type, length, value with NUL) as libnftnl
/// frames userdata, of a type that no nft knows. Not shown by iptables-nft (1.8.9) or nft (1.0.6).
pub(crate) const OWNERSHIP_MARK: &[u8] = b"\xc8\x0echainkeeper 1\0";

/// Definition of a base chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    /// `filter`, `nat` or `route`.
    pub(crate) kind: &'static str,
    /// NF_INET_*.
    pub(crate) hook: u32,
    /// Lower runs earlier.
    pub(crate) priority: i32,
}

/// How iptables-nft (all of 1.8.2 to 1.8.13) defines a built-in chain that we may jump from.
pub(crate) fn definition(table: Table, hook: Hook) -> Base {
    let number = match hook {
        Hook::Input => 1,
        Hook::Output => 3,
        Hook::Postrouting => 4,
    };
    let (kind, priority) = match (table, hook) {
        (Table::Filter, Hook::Input | Hook::Output | Hook::Postrouting) => ("filter", 0),
        (Table::Nat, Hook::Output) => ("nat", -100),
        (Table::Nat, Hook::Input | Hook::Postrouting) => ("nat", 100),
        (Table::Mangle, Hook::Output) => ("route", -150),
        (Table::Mangle, Hook::Input | Hook::Postrouting) => ("filter", -150),
    };
    Base { kind, hook: number, priority }
}

/// The hook of that name, if it is one that we jump from.
pub(crate) fn hook_named(name: &str) -> Option<Hook> {
    [Hook::Input, Hook::Output, Hook::Postrouting].into_iter().find(|h| h.name() == name)
}

//! What is there, as others' eyes see it.
use crate::support::Host;
use chainkeeper_contract::{Family, Table};
use std::collections::BTreeMap;

/// The chains (`:NAME`) and rules (`-A NAME ...`) of a save, each with its table.
pub(super) type Lines = Vec<(Table, String)>;

/// Both families as they should be.
pub(super) type Whole = BTreeMap<Family, Lines>;

/// The family's chains and rules now. Tables in our order; without canaries and policies.
pub(super) fn saved(host: &Host, family: Family) -> Lines {
    let (_, save) = host.feed(&format!("{}-save", host.on().iptables(family)), "");
    let save = save.expect("it can be saved");
    let (mut table, mut lines) = (None, Lines::new());
    for line in save.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = Table::ALL.into_iter().find(|t| t.name() == name);
        }
        let line = match line.strip_prefix(':').map(|l| l.split(' ').collect::<Vec<_>>()) {
            Some(words) if words[1] == "-" => format!(":{}", words[0]),
            None if line.starts_with("-A ") => line.to_owned(),
            Some(_) | None => continue,
        };
        if !line.contains("CANARY") {
            lines.extend(table.map(|table| (table, line)));
        }
    }
    lines.sort_by_key(|(table, _)| *table);
    lines
}

pub(super) fn whole(host: &Host) -> Whole {
    Family::ALL.map(|family| (family, saved(host, family))).into()
}

/// The tables of x_tables that there are in this thread's namespace, both families.
pub(super) fn tables_of_legacy() -> String {
    let list =
        |family| std::fs::read_to_string(format!("/proc/thread-self/net/{family}_tables_names"));
    ["ip", "ip6"].into_iter().filter_map(|family| list(family).ok()).collect()
}

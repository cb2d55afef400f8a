//! The two backends, and the iptables that stands for "somebody else" in each.
use super::Host;
use chainkeeper_contract::Family;

/// What a host uses, and a test is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Nft,
    Legacy,
}

/// Each backend and family: its iptables, and nft's word for the family.
pub(crate) const EVERYWHERE: [(On, &str, &str); 4] = [
    (On::Nft, "iptables-nft", "ip"),
    (On::Nft, "ip6tables-nft", "ip6"),
    (On::Legacy, "iptables-legacy", "ip"),
    (On::Legacy, "ip6tables-legacy", "ip6"),
];

impl On {
    pub(crate) const BOTH: [On; 2] = [On::Nft, On::Legacy];

    /// By its name.
    pub(crate) fn named(name: &str) -> On {
        On::BOTH.into_iter().find(|on| on.name() == name).expect("nft or legacy")
    }

    /// As `--backend` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            On::Nft => "nft",
            On::Legacy => "legacy",
        }
    }

    /// The iptables of both families.
    pub(crate) const fn both_iptables(self) -> [&'static str; 2] {
        match self {
            On::Nft => ["iptables-nft", "ip6tables-nft"],
            On::Legacy => ["iptables-legacy", "ip6tables-legacy"],
        }
    }

    /// The iptables of that family.
    pub(crate) fn iptables(self, family: Family) -> &'static str {
        let [v4, v6] = self.both_iptables();
        match family {
            Family::Ipv4 => v4,
            Family::Ipv6 => v6,
        }
    }
}

impl Host {
    /// The backend that it remembers.
    pub(crate) fn on(&self) -> On {
        self.on
    }

    /// The chains of our names in that backend, such as `ip nat KUBE-MARK-MASQ`.
    pub(crate) fn our_chains(&self, on: On) -> Vec<String> {
        let listing = match on {
            On::Nft => self.sh("nft list ruleset"),
            On::Legacy => self.sh("for f in ip ip6; do s=$(${f}tables-legacy-save); echo \"$s\" | sed \"s/^\\*/table $f /; s/^:/chain /\"; done"),
        };
        let (mut table, mut found) = (String::new(), Vec::new());
        for line in listing.lines() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["table", family, name, ..] => table = format!("{family} {name}"),
                ["chain", name, ..]
                    if name.starts_with("KUBE-") || name.starts_with("CHAINKEEPER-") =>
                {
                    found.push(format!("{table} {name}"));
                }
                _ => {}
            }
        }
        found.sort();
        found
    }

    /// How often something was written: on nft by anybody, on legacy by chainkeeper (its restores).
    pub(crate) fn writes(&self) -> usize {
        match self.on {
            On::Nft => self.generation() as usize,
            On::Legacy => self.starts().iter().filter(|name| name.ends_with("-restore")).count(),
        }
    }
}

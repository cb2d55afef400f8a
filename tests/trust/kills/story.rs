//! A host and what is to be done on it, the same each time.
use crate::support::{Host, On};

/// How the host is before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing was ever written.
    Empty,
    /// Everything of ours, beside rules of others.
    Whole,
    /// The same, with a chain gone, a rule gone and one changed, in both families.
    Damaged,
    /// Whole in the other backend, which kubelet has just left.
    Moved,
}

/// A command on such a host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Story {
    pub(super) on: On,
    pub(super) start: Start,
    pub(super) command: &'static str,
}

/// What others have, in chains of theirs, in built-in ones and, where there is one, in one of ours. With counters.
const FOREIGN: &str = "$T -N THEIRS; $T -A THEIRS -c 5 300 -p tcp --dport 22 -j ACCEPT
     $T -A INPUT -c 7 700 -p udp --dport 53 -j THEIRS
     $T -t nat -A POSTROUTING -c 2 120 -o eth9 -j RETURN; $T -t mangle -A FORWARD -c 1 60 -j ACCEPT";
const AMONG_OURS: &str = "$T -t nat -A KUBE-MARK-MASQ -c 3 180 -p udp -j RETURN";

const DAMAGE: &str = "$T -D INPUT -j KUBE-FIREWALL; $T -D OUTPUT -j KUBE-FIREWALL
     $T -F KUBE-FIREWALL; $T -X KUBE-FIREWALL
     $T -t nat -D KUBE-POSTROUTING 1; $T -t nat -R KUBE-MARK-MASQ 1 -j MARK --or-mark 0x40";

impl Story {
    pub(super) fn host(self) -> Host {
        let Story { on, start, .. } = self;
        let other = if on == On::Nft { On::Legacy } else { On::Nft };
        let each = |host: &Host, on: On, script: &str| {
            let both = on.both_iptables().map(|tool| script.replace("$T", tool));
            host.sh(&both.join("\n"));
        };
        if start == Start::Moved {
            let host = Host::unknown();
            each(&host, on, FOREIGN);
            each(&host, other, FOREIGN);
            each(&host, other, "$T -t mangle -N KUBE-IPTABLES-HINT");
            host.ck_ok("apply", 0);
            each(&host, on, "$T -t mangle -N KUBE-IPTABLES-HINT");
            each(&host, other, "$T -t mangle -X KUBE-IPTABLES-HINT");
            return host;
        }
        let host = Host::of(on);
        if start != Start::Empty {
            each(&host, on, FOREIGN);
            host.ck_ok("apply", 0);
        }
        if start == Start::Damaged {
            each(&host, on, AMONG_OURS);
            each(&host, on, DAMAGE);
        }
        host
    }
}

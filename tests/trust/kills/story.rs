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

/// What others have, in chains of theirs and in built-in ones, with counters.
const FOREIGN: &str = "*filter\n:THEIRS - [0:0]
[5:300] -A THEIRS -p tcp --dport 22 -j ACCEPT
[7:700] -A INPUT -p udp --dport 53 -j THEIRS
COMMIT\n*nat\n[2:120] -A POSTROUTING -o eth9 -j RETURN
COMMIT\n*mangle\n[1:60] -A FORWARD -j ACCEPT\nCOMMIT\n";

/// A chain gone, rules gone and one changed; and a rule of others among ours.
const DAMAGE: &str = "*filter\n-D INPUT -j KUBE-FIREWALL\n-D OUTPUT -j KUBE-FIREWALL
-F KUBE-FIREWALL\n-X KUBE-FIREWALL
COMMIT\n*nat\n-D KUBE-POSTROUTING 1\n-R KUBE-POSTROUTING 2 -o eth7 -j MASQUERADE
-F KUBE-MARK-MASQ
[3:180] -A KUBE-MARK-MASQ -p udp -j RETURN\nCOMMIT\n";

/// Kubelet's.
const HINT: &str = "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n";
const NO_HINT: &str = "*mangle\n-X KUBE-IPTABLES-HINT\nCOMMIT\n";

impl Story {
    pub(super) fn host(self) -> Host {
        let Story { on, start, .. } = self;
        let other = if on == On::Nft { On::Legacy } else { On::Nft };
        let each = |host: &Host, on: On, text: &str| {
            for tool in on.both_iptables() {
                host.feed(&format!("{tool}-restore -c --noflush"), text).1.expect("it is taken");
            }
        };
        if start == Start::Moved {
            let host = Host::unknown();
            each(&host, on, FOREIGN);
            each(&host, other, FOREIGN);
            each(&host, other, HINT);
            host.ck_ok("apply", 0);
            each(&host, on, HINT);
            each(&host, other, NO_HINT);
            return host;
        }
        let host = Host::of(on);
        if start != Start::Empty {
            each(&host, on, FOREIGN);
            host.ck_ok("apply", 0);
        }
        if start == Start::Damaged {
            each(&host, on, DAMAGE);
        }
        host
    }
}

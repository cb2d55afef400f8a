//! The other programs that work on these chains, as they are at work on a node: kubelet 1.24 and
//! kube-proxy, with the iptables that is installed. Spelling and order of the arguments are theirs.
use crate::support::{Host, normalised};

/// The programs of both families.
pub(super) const BOTH: [&str; 2] = ["iptables-nft", "ip6tables-nft"];

/// What the program of that family sees.
pub(super) fn save(host: &Host, program: &str) -> String {
    normalised(&host.sh(&format!("{program}-save")))
}

/// What the programs of both families see.
pub(super) fn saves(host: &Host) -> [String; 2] {
    BOTH.map(|program| save(host, program))
}

/// kubelet's EnsureChain and EnsureRule: `-N` may say that the chain exists (1), `-C` that the rule
/// does not (1); any other code is an error.
const ENSURE: &str = r#"
ensure_chain() { $ipt -w 5 -N "$2" -t "$1" || [ $? = 1 ]; }
ensure_rule() {
    op=$1 table=$2 chain=$3
    shift 3
    $ipt -w 5 -C "$chain" -t "$table" "$@" || {
        [ $? = 1 ]
        $ipt -w 5 "$op" "$chain" -t "$table" "$@"
    }
}
"#;

/// The same names, but they only look. Prints `found` for each rule.
const CHECK: &str = r#"
ensure_chain() { :; }
ensure_rule() {
    table=$2 chain=$3
    shift 3
    $ipt -w 5 -C "$chain" -t "$table" "$@"
    echo found
}
"#;

const KUBELET: &str = r#"
ensure_chain nat KUBE-MARK-DROP
ensure_rule -A nat KUBE-MARK-DROP -j MARK --or-mark 0x00008000
ensure_chain filter KUBE-FIREWALL
ensure_rule -A filter KUBE-FIREWALL \
    -m comment --comment "kubernetes firewall for dropping marked packets" \
    -m mark --mark 0x00008000/0x00008000 -j DROP
if [ $ipt = iptables-nft ]; then
    ensure_rule -A filter KUBE-FIREWALL \
        -m comment --comment "block incoming localnet connections" \
        --dst 127.0.0.0/8 ! --src 127.0.0.0/8 \
        -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
fi
ensure_rule -I filter OUTPUT -j KUBE-FIREWALL
ensure_rule -I filter INPUT -j KUBE-FIREWALL
ensure_chain nat KUBE-MARK-MASQ
ensure_chain nat KUBE-POSTROUTING
ensure_rule -A nat KUBE-MARK-MASQ -j MARK --or-mark 0x00004000
ensure_rule -I nat POSTROUTING \
    -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
ensure_rule -A nat KUBE-POSTROUTING -m mark ! --mark 0x00004000/0x00004000 -j RETURN
ensure_rule -A nat KUBE-POSTROUTING -j MARK --xor-mark 0x00004000
ensure_rule -A nat KUBE-POSTROUTING \
    -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
ensure_chain mangle KUBE-IPTABLES-HINT
for table in mangle nat filter; do ensure_chain $table KUBE-KUBELET-CANARY; done
"#;

/// A kubelet starts: the sync of both families, then the canaries.
pub(super) fn kubelet_starts(host: &Host) {
    for program in BOTH {
        host.sh(&format!("ipt={program}\n{ENSURE}\n{KUBELET}"));
    }
}

/// How many of kubelet's rules that family's `-C` finds, in kubelet's spelling. One that is not
/// found fails the test.
pub(super) fn kubelet_rules_found(host: &Host, program: &str) -> usize {
    host.sh(&format!("ipt={program}\n{CHECK}\n{KUBELET}")).lines().count()
}

/// What kube-proxy ensures one by one, at a full sync, before it restores the rest.
const KUBE_PROXY: &str = r#"
for table in mangle nat filter; do ensure_chain $table KUBE-PROXY-CANARY; done
portals="kubernetes service portals"
ensure_chain nat KUBE-SERVICES
ensure_rule -I nat OUTPUT -m comment --comment "$portals" -j KUBE-SERVICES
ensure_rule -I nat PREROUTING -m comment --comment "$portals" -j KUBE-SERVICES
ensure_chain nat KUBE-POSTROUTING
ensure_rule -I nat POSTROUTING \
    -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
ensure_chain filter KUBE-FIREWALL
ensure_rule -I filter INPUT -j KUBE-FIREWALL
ensure_rule -I filter OUTPUT -j KUBE-FIREWALL
"#;

/// `:CHAIN` empties the chain: kube-proxy writes these chains anew at every sync.
const KUBE_PROXY_NAT: &str = r#"*nat
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
-A KUBE-POSTROUTING -m mark ! --mark BIT/BIT -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark BIT
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --or-mark BIT
COMMIT
"#;

/// IPv4 only: with `localhostNodePorts`, and so without the mark-drop rule that was there.
const KUBE_PROXY_FILTER: &str = r#"*filter
:KUBE-FIREWALL - [0:0]
-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
COMMIT
"#;

/// A full sync of kube-proxy in iptables mode, both families, with this mark.
pub(super) fn kube_proxy_syncs(host: &Host, mark: u32) {
    let nat = KUBE_PROXY_NAT.replace("BIT", &format!("{mark:#010x}"));
    for program in BOTH {
        let filter = if program == "iptables-nft" { KUBE_PROXY_FILTER } else { "" };
        host.sh(&format!("ipt={program}\n{ENSURE}\n{KUBE_PROXY}"));
        host.sh(&format!("{program}-restore --noflush <<'END'\n{filter}{nat}END\n"));
    }
}

//! The other programs that work on these chains, as they are at work on a node: kubelet 1.24 and
//! kube-proxy, with the iptables that they are given. Spelling and order of the arguments are
//! theirs.
use crate::support::{Host, On, normalised};

/// A backend, and the iptables of both families that look at it and write to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub(crate) on: On,
    pub(crate) programs: [&'a str; 2],
}

/// The installed programs of each backend. Another version's stand in for them by their paths.
pub(crate) const INSTALLED: [Eyes<'static>; 2] = [Eyes::of(On::Nft), Eyes::of(On::Legacy)];

impl Eyes<'static> {
    pub(crate) const fn of(on: On) -> Eyes<'static> {
        Eyes { on, programs: on.both_iptables() }
    }
}

impl Eyes<'_> {
    /// A host with this backend, on legacy with these programs as its tools where they are by path.
    pub(crate) fn host(self) -> Host {
        let host = Host::of(self.on);
        if self.on == On::Legacy && self.programs[0].contains('/') {
            for (name, program) in self.on.both_iptables().into_iter().zip(self.programs) {
                for kind in ["save", "restore"] {
                    let run = format!("exec {program}-{kind} \"$@\"");
                    host.put(&format!("{name}-{kind}"), &run);
                }
            }
        }
        host
    }

    /// A host on which `--profile full apply` has run.
    pub(crate) fn applied_in_full(self) -> Host {
        let host = self.host();
        host.ck_ok("--profile full apply", 0);
        host
    }

    /// What these programs see.
    pub(crate) fn saves(self, host: &Host) -> [String; 2] {
        self.programs.map(|program| save(host, program))
    }
}

/// What the program of that family sees.
pub(crate) fn save(host: &Host, program: &str) -> String {
    normalised(&host.sh(&format!("{program}-save")))
}

/// What the installed programs of the host's backend see.
pub(crate) fn saves(host: &Host) -> [String; 2] {
    Eyes::of(host.on()).saves(host)
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

/// The same names, but each rule is only looked for (`-C`) or deleted (`-D`). Prints `done`
/// for each.
const EACH: &str = r#"
ensure_chain() { :; }
ensure_rule() {
    table=$2 chain=$3
    shift 3
    $ipt -w 5 $each "$chain" -t "$table" "$@"
    echo done
}
"#;

const KUBELET: &str = r#"
ensure_chain nat KUBE-MARK-DROP
ensure_rule -A nat KUBE-MARK-DROP -j MARK --or-mark 0x00008000
ensure_chain filter KUBE-FIREWALL
ensure_rule -A filter KUBE-FIREWALL \
    -m comment --comment "kubernetes firewall for dropping marked packets" \
    -m mark --mark 0x00008000/0x00008000 -j DROP
case "${ipt##*/}" in iptables-*)
    ensure_rule -A filter KUBE-FIREWALL \
        -m comment --comment "block incoming localnet connections" \
        --dst 127.0.0.0/8 ! --src 127.0.0.0/8 \
        -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
esac
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
pub(crate) fn kubelet_starts(host: &Host, eyes: Eyes<'_>) {
    for program in eyes.programs {
        host.sh(&format!("ipt={program}\n{ENSURE}\n{KUBELET}"));
    }
}

/// How many of kubelet's rules that program does `each` to, `-C` or `-D`, in kubelet's spelling.
/// One that it does not find fails the test.
pub(crate) fn kubelet_rules(host: &Host, program: &str, each: &str) -> usize {
    let said = host.sh(&format!("ipt={program} each={each}\n{EACH}\n{KUBELET}"));
    // 1.8.7 prints the rule that its -C finds, too.
    said.lines().filter(|line| *line == "done").count()
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
pub(crate) fn kube_proxy_syncs(host: &Host, eyes: Eyes<'_>, mark: u32) {
    let nat = KUBE_PROXY_NAT.replace("BIT", &format!("{mark:#010x}"));
    for (program, filter) in eyes.programs.into_iter().zip([KUBE_PROXY_FILTER, ""]) {
        host.sh(&format!("ipt={program}\n{ENSURE}\n{KUBE_PROXY}"));
        host.sh(&format!("{program}-restore --noflush <<'END'\n{filter}{nat}END\n"));
    }
}

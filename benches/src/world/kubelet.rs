//! Kubelet 1.24's own sequence: `-N` for each chain, `-C` and then `-A` or `-I` for each rule, three canaries.
use super::Programs;

/// One pass over both families by the tools with that ending. The number of processes it took.
pub(crate) fn kubelet(programs: &Programs, ending: &str) -> anyhow::Result<usize> {
    let mut started = 0;
    for (l3, v4) in [("ip", true), ("ip6", false)] {
        let tool = format!("{l3}tables-{ending}");
        let mut run = |words: &str| {
            started += 1;
            programs.run(&tool, &format!("-w 5 {words}"))
        };
        for (table, chain, rules) in SETS {
            run(&format!("-N {chain} -t {table}"))?;
            for (op, chain, rule) in *rules {
                let fits = v4 || !rule.contains("127.0.0.0/8");
                if fits && !run(&format!("-C {chain} -t {table} {rule}"))? {
                    run(&format!("{op} {chain} -t {table} {rule}"))?;
                }
            }
        }
    }
    Ok(started)
}

type Set = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);
const SETS: &[Set] = &[
    ("nat", "KUBE-MARK-DROP", &[("-A", "KUBE-MARK-DROP", "-j MARK --or-mark 0x00008000")]),
    (
        "filter",
        "KUBE-FIREWALL",
        &[
            (
                "-A",
                "KUBE-FIREWALL",
                "-m comment --comment \"kubernetes firewall for dropping marked packets\" \
                 -m mark --mark 0x00008000/0x00008000 -j DROP",
            ),
            (
                "-A",
                "KUBE-FIREWALL",
                "-m comment --comment \"block incoming localnet connections\" --dst 127.0.0.0/8 \
                 ! --src 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
            ),
            ("-I", "OUTPUT", "-j KUBE-FIREWALL"),
            ("-I", "INPUT", "-j KUBE-FIREWALL"),
        ],
    ),
    ("nat", "KUBE-MARK-MASQ", &[("-A", "KUBE-MARK-MASQ", "-j MARK --or-mark 0x00004000")]),
    (
        "nat",
        "KUBE-POSTROUTING",
        &[
            (
                "-I",
                "POSTROUTING",
                "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING",
            ),
            ("-A", "KUBE-POSTROUTING", "-m mark ! --mark 0x00004000/0x00004000 -j RETURN"),
            ("-A", "KUBE-POSTROUTING", "-j MARK --xor-mark 0x00004000"),
            (
                "-A",
                "KUBE-POSTROUTING",
                "-m comment --comment \"kubernetes service traffic requiring SNAT\" \
                 -j MASQUERADE --random-fully",
            ),
        ],
    ),
    ("mangle", "KUBE-IPTABLES-HINT", &[]),
    ("mangle", "KUBE-KUBELET-CANARY", &[]),
    ("nat", "KUBE-KUBELET-CANARY", &[]),
    ("filter", "KUBE-KUBELET-CANARY", &[]),
];

//! The other programs that work on these chains, as they are at work on a node: kubelet 1.24 and
//! kube-proxy, with the iptables that they are given. Spelling and order of the arguments are
//! theirs, in files of their own: `make trust` runs them, too.
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
pub(crate) const ENSURE: &str = include_str!("words/ensure.sh");

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

pub(crate) const KUBELET: &str = include_str!("words/kubelet.sh");

/// From 1.28 on.
pub(crate) const KUBELET_1_28: &str = include_str!("words/kubelet-1.28.sh");

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
pub(crate) const KUBE_PROXY: &str = include_str!("words/kube-proxy.sh");

/// And, from 1.25 on, with `localhostNodePorts`.
pub(crate) const KUBE_PROXY_FIREWALL: &str = include_str!("words/kube-proxy-firewall.sh");

/// `:CHAIN` empties the chain: kube-proxy writes these chains anew at every sync.
pub(crate) const KUBE_PROXY_NAT: &str = include_str!("words/kube-proxy.nat");

/// IPv4 only: with `localhostNodePorts`, and so without the mark-drop rule that was there.
pub(crate) const KUBE_PROXY_FILTER: &str = include_str!("words/kube-proxy.filter");

/// A full sync of kube-proxy in iptables mode, both families, with this mark.
pub(crate) fn kube_proxy_syncs(host: &Host, eyes: Eyes<'_>, mark: u32) {
    let nat = KUBE_PROXY_NAT.replace("BIT", &format!("{mark:#010x}"));
    for (program, filter) in eyes.programs.into_iter().zip([KUBE_PROXY_FILTER, ""]) {
        host.sh(&format!("ipt={program}\n{ENSURE}\n{KUBE_PROXY}\n{KUBE_PROXY_FIREWALL}"));
        host.sh(&format!("{program}-restore --noflush <<'END'\n{filter}{nat}END\n"));
    }
}

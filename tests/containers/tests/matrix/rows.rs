//! What can be missing, one by one.
use crate::engines::{FULL, NFT, NONROOT, Want};
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

/// One way to run it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) backend: Backend,
    /// What differs from the manifest, in its words.
    pub(crate) what: &'static str,
    pub(crate) want: Want,
    /// Everything works.
    pub(crate) works: bool,
    /// What it says of it: the lines of a manifest that mend it.
    pub(crate) yaml: &'static [&'static str],
}

fn row(
    backend: Backend,
    what: &'static str,
    works: bool,
    yaml: &'static [&'static str],
    change: impl FnOnce(&mut Want),
) -> Row {
    let mut want = match backend {
        Backend::Nft => Want::nft(),
        Backend::Legacy => Want::legacy(),
    };
    change(&mut want);
    Row { backend, what, want, works, yaml }
}

const NET_ADMIN: &str = "capabilities: {drop: [ALL], add: [NET_ADMIN]}";
const NET_RAW: &str = "capabilities: {drop: [ALL], add: [NET_ADMIN, NET_RAW]}";
const ROOT: &str = "runAsUser: 0";
const USERS: &str = "hostUsers: true";
const NETWORK: &str = "hostNetwork: true";
const RUN: &[&str] = &[
    "volumeMounts: [{name: run, mountPath: /run/chainkeeper}]",
    "volumes: [{name: run, hostPath: {path: /run/chainkeeper, type: DirectoryOrCreate}}]",
];
const LOCK: &[&str] = &[
    "volumeMounts: [{name: xtables-lock, mountPath: /run/xtables.lock, readOnly: true}]",
    "volumes: [{name: xtables-lock, hostPath: {path: /run/xtables.lock, type: FileOrCreate}}]",
];

pub(crate) fn rows() -> Vec<Row> {
    let (nft, legacy) = (Backend::Nft, Backend::Legacy);
    vec![
        row(nft, "as in the base", true, &[], |_| {}),
        row(nft, "`hostPID: true`", true, &[], |w| w.host_pid = true),
        row(nft, "no NET_ADMIN", false, &[NET_ADMIN], |w| w.capabilities = &[]),
        row(nft, "`runAsUser: 65534`", false, &[ROOT], |w| w.user = Some("65534:0")),
        row(nft, "a user namespace (`hostUsers: false`)", false, &[USERS], |w| w.mapped = true),
        row(nft, "no `hostNetwork`", false, &[NETWORK], |w| w.host_network = false),
        row(nft, "no /run/chainkeeper", false, RUN, |w| w.run = false),
        row(nft, "image `-nonroot`, `allowPrivilegeEscalation: true`", true, &[], |w| {
            (w.image, w.no_new_privs) = (NONROOT, false);
        }),
        row(nft, "image `-nonroot`, no privilege escalation", false, &[ROOT], |w| {
            w.image = NONROOT
        }),
        row(nft, "image `-nonroot`, no NET_ADMIN", false, &[], |w| {
            (w.image, w.no_new_privs, w.capabilities) = (NONROOT, false, &[]);
        }),
        row(legacy, "as with the component `legacy`", true, &[], |_| {}),
        row(legacy, "no NET_RAW", false, &[NET_RAW], |w| w.capabilities = &["NET_ADMIN"]),
        row(legacy, "no NET_ADMIN", false, &[NET_RAW], |w| w.capabilities = &["NET_RAW"]),
        row(legacy, "`runAsUser: 65534`", false, &[ROOT], |w| w.user = Some("65534:0")),
        row(legacy, "a user namespace (`hostUsers: false`)", false, &[USERS], |w| w.mapped = true),
        row(legacy, "no `hostNetwork`", false, &[NETWORK], |w| w.host_network = false),
        row(legacy, "no /run/xtables.lock", false, LOCK, |w| w.lock = None),
        row(legacy, "the same, root file system writable", false, LOCK, |w| {
            (w.lock, w.read_only) = (None, false);
        }),
        row(legacy, "/run/xtables.lock is a folder", false, &["type: FileOrCreate"], |w| {
            w.lock = Some("folder");
        }),
        row(legacy, "no /run/chainkeeper", false, RUN, |w| w.run = false),
        row(legacy, "the image without iptables-legacy", false, &["-full"], |w| w.image = NFT),
        row(nft, "the image with iptables-legacy", true, &[], |w| w.image = FULL),
    ]
}

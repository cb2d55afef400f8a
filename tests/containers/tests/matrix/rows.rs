//! What can be missing, one by one.
use crate::backend::Backend;
use crate::engines::{ENGINES, FULL, Kind, NFT, NONROOT, Want};

/// One way to run it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) backend: Backend,
    /// What differs from the manifest, in its words.
    pub(crate) what: &'static str,
    pub(crate) want: Want,
    /// The engines in which everything works.
    pub(crate) works: &'static [Kind],
    /// What it says elsewhere: the lines of a manifest that mend it.
    pub(crate) yaml: &'static [&'static str],
}

fn row(
    backend: Backend,
    what: &'static str,
    works: &'static [Kind],
    yaml: &'static [&'static str],
    change: impl FnOnce(&mut Want),
) -> Row {
    let mut want = backend.want();
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
    let (all, none): (&[Kind], &[Kind]) = (&ENGINES, &[]);
    // ctr mounts a tmpfs of the container's own on /run, which Kubernetes leaves out.
    let ctr: &[Kind] = &[Kind::Containerd];
    // They leave what was asked for where a file capability finds it, whatever no_new_privs says.
    let lax: &[Kind] = &[Kind::Podman, Kind::Containerd];
    vec![
        row(nft, "as in the base", all, &[], |_| {}),
        row(nft, "`hostPID: true`", all, &[], |w| w.host_pid = true),
        row(nft, "no NET_ADMIN", none, &[NET_ADMIN], |w| w.capabilities = &[]),
        row(nft, "`runAsUser: 65534`", none, &[ROOT], |w| w.user = Some("65534:0")),
        row(nft, "a user namespace (`hostUsers: false`)", none, &[USERS], |w| w.mapped = true),
        row(nft, "no `hostNetwork`", none, &[NETWORK], |w| w.host_network = false),
        row(nft, "no /run/chainkeeper", ctr, RUN, |w| w.run = false),
        row(nft, "image `-nonroot`, `allowPrivilegeEscalation: true`", all, &[], |w| {
            (w.image, w.no_new_privs) = (NONROOT, false);
        }),
        row(nft, "image `-nonroot`, no privilege escalation", lax, &[ROOT], |w| w.image = NONROOT),
        row(nft, "image `-nonroot`, no NET_ADMIN", none, &[], |w| {
            (w.image, w.no_new_privs, w.capabilities) = (NONROOT, false, &[]);
        }),
        row(nft, "image `-full`", all, &[], |w| w.image = FULL),
        row(legacy, "as with the component `legacy`", all, &[], |_| {}),
        row(legacy, "no NET_RAW", none, &[NET_RAW], |w| w.capabilities = &["NET_ADMIN"]),
        row(legacy, "no NET_ADMIN", none, &[NET_RAW], |w| w.capabilities = &["NET_RAW"]),
        row(legacy, "`runAsUser: 65534`", none, &[ROOT], |w| w.user = Some("65534:0")),
        row(legacy, "a user namespace (`hostUsers: false`)", none, &[USERS], |w| w.mapped = true),
        row(legacy, "no `hostNetwork`", none, &[NETWORK], |w| w.host_network = false),
        row(legacy, "no /run/xtables.lock", none, LOCK, |w| w.lock = None),
        row(legacy, "the same, root file system writable", none, LOCK, |w| {
            (w.lock, w.read_only) = (None, false);
        }),
        row(legacy, "/run/xtables.lock is a folder", none, &["type: FileOrCreate"], |w| {
            w.lock = Some("folder");
        }),
        row(legacy, "no /run/chainkeeper", ctr, RUN, |w| w.run = false),
        row(legacy, "the image without iptables-legacy", none, &["-full"], |w| w.image = NFT),
    ]
}

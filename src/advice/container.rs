//! What goes wrong in a container without an error: said once at the start, and by whoever asks in vain.
use super::{Advice, yaml};
use crate::host::{Ground, Spot, Surroundings};

const MOUNT: &str = "\
volumeMounts: [{name: run, mountPath: /run/chainkeeper}]
volumes: [{name: run, hostPath: {path: /run/chainkeeper, type: DirectoryOrCreate}}]";
const DO_MOUNT: &str = "mount a folder of the host: \
                        docker run -v /run/chainkeeper:/run/chainkeeper ...";

const OWN_NETWORK: Advice = Advice {
    when: "this network is the container's own, not the node's",
    why: "beside `lo` it has nothing, or one interface that leads out: no packet of the node meets chains in here",
    remedy: "give it the host's network: docker run --network host ...",
    manifest: "hostNetwork: true",
};
const READ_ONLY: Advice = Advice {
    when: "the socket or the state file has no place: it would be in a read-only file system",
    why: "`status`, `events` and `pause` get no answer, and a restart remembers nothing; keeping goes on",
    remedy: DO_MOUNT,
    manifest: MOUNT,
};
const NOT_OURS: Advice = Advice {
    when: "the folder of the socket or of the state file is another user's",
    why: "`status`, `events` and `pause` get no answer, or a restart remembers nothing; keeping goes on",
    remedy: "run as uid 0, or give that folder to the user",
    manifest: "runAsUser: 0",
};
const FORGOTTEN: Advice = Advice {
    when: "the state file goes with the container",
    why: "the next one chooses a backend anew, and takes legacy chains that are ours for another's",
    remedy: DO_MOUNT,
    manifest: MOUNT,
};
/// Said by `events`, where it matters.
pub const NO_PROCESSES: Advice = Advice {
    when: "the service is not in the node's pid namespace, so it names no process",
    why: "the kernel tells numbers of the node's; in here they are others, or nobody",
    remedy: "share the host's: docker run --pid host ...; the names are right without it",
    manifest: "hostPID: true",
};

/// Every entry, for the page.
pub const WARNINGS: [Advice; 5] = [OWN_NETWORK, READ_ONLY, NOT_OURS, FORGOTTEN, NO_PROCESSES];

/// What is wrong there. Pure.
pub fn doubts(around: &Surroundings) -> Vec<Advice> {
    let spots = [around.socket, around.state];
    let any = |is: fn(Spot) -> bool| spots.into_iter().flatten().any(is);
    let goes = |at: Spot| at.ground != Ground::Mounted && !at.denied && !at.read_only;
    let wrong = [
        (around.own_network == Some(true), OWN_NETWORK),
        (any(|at| at.read_only), READ_ONLY),
        (any(|at| at.denied), NOT_OURS),
        (around.state.is_some_and(goes), FORGOTTEN),
    ];
    wrong.into_iter().filter(|(is, _)| *is).map(|(_, advice)| advice).collect()
}

/// The screen of such a warning.
pub fn warning(advice: &Advice) -> String {
    let Advice { when, why, remedy, manifest } = advice;
    format!("{when}\n  why   {why}\n  do    {remedy}{}", yaml(Some(manifest)))
}

//! Every cause of an error, with the way out and, where one mends it, the line of a manifest.
use super::Advice;

const NET_ADMIN: &str = "capabilities: {drop: [ALL], add: [NET_ADMIN]}";
const NET_RAW: &str = "capabilities: {drop: [ALL], add: [NET_ADMIN, NET_RAW]}";
const ROOT: &str = "runAsUser: 0";
const USERS: &str = "hostUsers: true # the default: leave hostUsers: false out";
const LOCK_FILE: &str = "\
volumeMounts: [{name: xtables-lock, mountPath: /run/xtables.lock, readOnly: true}]
volumes: [{name: xtables-lock, hostPath: {path: /run/xtables.lock, type: FileOrCreate}}]";
/// There is none.
const NONE: &str = "";

pub(super) const NOT_EFFECTIVE: Advice = Advice {
    when: "EPERM, CAP_NET_ADMIN only in the bounding set",
    why: "CAP_NET_ADMIN is granted, but not to this user: it is not effective",
    remedy: "run as uid 0 with only this capability: \
             docker run --user 0 --cap-drop ALL --cap-add NET_ADMIN --network host ...",
    manifest: ROOT,
};
pub(super) const NO_NEW_PRIVS: Advice = Advice {
    when: "the same, and NoNewPrivs is 1",
    why: "CAP_NET_ADMIN is granted, but not to this user; a file capability of the program may \
          not count either, by no_new_privs",
    remedy: "run as uid 0 with only this capability; or a program that has it as a file capability, \
             without no_new_privs",
    manifest: "runAsUser: 0 # or, with the image for other users, allowPrivilegeEscalation: true",
};
pub(super) const NOT_GRANTED: Advice = Advice {
    when: "EPERM, CAP_NET_ADMIN nowhere",
    why: "CAP_NET_ADMIN is missing from the bounding set",
    remedy: "run as root with CAP_NET_ADMIN, or try it without: `chainkeeper run --sandbox`",
    manifest: NET_ADMIN,
};
pub(super) const USER_NAMESPACE: Advice = Advice {
    when: "EPERM with CAP_NET_ADMIN effective, in a user namespace",
    why: "CAP_NET_ADMIN counts only for what was made in this user namespace, and the network was not",
    remedy: "run outside of the user namespace (podman: without --userns)",
    manifest: USERS,
};
pub(super) const OTHER_NAMESPACE: Advice = Advice {
    when: "EPERM with CAP_NET_ADMIN effective",
    why: "CAP_NET_ADMIN is held over another user namespace, or a table has an owner",
    remedy: "run outside of the user namespace; a table owner shows in `nft list tables` as `flags owner`",
    manifest: NONE,
};
pub(super) const REFUSED_REMOVAL: Advice = Advice {
    when: "EBUSY",
    why: "somebody still jumps to the chain, or put a rule into it",
    remedy: "look at `nft -a list ruleset`; nothing was changed",
    manifest: NONE,
};
pub(super) const EXISTS: Advice = Advice {
    when: "EEXIST",
    why: "somebody else created the chain at the same moment",
    remedy: "run the command again; nothing was changed",
    manifest: NONE,
};
pub(super) const MISSING: Advice = Advice {
    when: "a kernel piece is missing",
    why: "see above: what the kernel or this build lacks is named",
    remedy: "load the module that is named, or update the kernel",
    manifest: NONE,
};
pub(super) const NO_EXTENSION: Advice = Advice {
    when: "the kernel lacks an xt extension",
    why: "see above: the extension, and the module that would provide it, are named",
    remedy: "load that module; or --dialect native, where nobody uses iptables",
    manifest: NONE,
};
pub(super) const LEGACY_DENIED: Advice = Advice {
    when: "legacy: a tool says no",
    why: "iptables-legacy needs CAP_NET_ADMIN, CAP_NET_RAW and its lock; the list of tables uid 0 or gid 0",
    remedy: "run as uid 0 with both capabilities, and in a container mount /run/xtables.lock",
    manifest: NET_RAW,
};
pub(super) const NO_RAW: Advice = Advice {
    when: "legacy: CAP_NET_ADMIN or CAP_NET_RAW is not effective",
    why: "iptables-legacy needs both; the one that is missing is named",
    remedy: "run as uid 0 with both; the package's service gets them by its example legacy.conf; in a container: \
             docker run --user 0 --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW ...",
    manifest: NET_RAW,
};
pub(super) const NO_RAW_NOT_ROOT: Advice = Advice {
    when: "the same, and not uid 0",
    manifest: "runAsUser: 0\ncapabilities: {drop: [ALL], add: [NET_ADMIN, NET_RAW]}",
    ..NO_RAW
};
pub(super) const NO_LIST: Advice = Advice {
    when: "the kernel's list of legacy tables cannot be read",
    why: "it is for uid 0 and gid 0; without it kubelet's rules in legacy would go unseen",
    remedy: "run as uid 0 or with group 0; or --backend nft, if you know that nobody uses legacy here",
    manifest: "runAsGroup: 0",
};
pub(super) const NO_TOOLS: Advice = Advice {
    when: "legacy is asked for or in use, and there is no iptables-legacy",
    why: "iptables-legacy-save and -restore are not in PATH, under no name that a distribution gives them",
    remedy: "install their package (Debian: iptables); or --backend nft, if nobody uses legacy here",
    manifest: "image: .../chainkeeper:TAG-full # the tag that ends in -full",
};
pub(super) const NO_BACKEND: Advice = Advice {
    when: "no backend can be chosen or used, for another reason",
    why: "what was seen, what is missing or could not be read is named",
    remedy: "what the row of decision 0005 asks for is named; `chainkeeper probe` shows all that was found",
    manifest: NONE,
};
pub(super) const NOT_ASKED: Advice = Advice {
    when: "legacy: `--validate` where a table is missing",
    why: "`iptables-restore --test` makes the tables that it is asked about; looking must not",
    remedy: "leave --validate out; `apply` names what is refused",
    manifest: NONE,
};
pub(super) const LOCKED: Advice = Advice {
    when: "the xtables lock is held",
    why: "another program is writing with iptables-legacy, or hangs; nothing was changed",
    remedy: "run the command again when it is done; --lock-wait waits longer",
    manifest: NONE,
};
pub(super) const LOCK_PRIVATE: Advice = Advice {
    when: "in a container, and the xtables lock of the host is not mounted",
    why: "a lock of the container's own keeps nobody out: rules of others could be lost; nothing was changed",
    remedy: "mount the host's lock: docker run -v /run/xtables.lock:/run/xtables.lock:ro ...; or, where the \
             container is all of the host, set XTABLES_LOCKFILE=/run/xtables.lock",
    manifest: LOCK_FILE,
};
pub(super) const LOCK_FOLDER: Advice = Advice {
    when: "the xtables lock is a folder",
    why: "a mount of a file that was not there made a folder; no iptables-legacy of the host works with it",
    remedy: "remove it on the host: rmdir /run/xtables.lock; then mount a file that is made first",
    manifest: "hostPath: {path: /run/xtables.lock, type: FileOrCreate}",
};
pub(super) const LOCK_DENIED: Advice = Advice {
    when: "the xtables lock may not be opened",
    why: "it is root's alone, as iptables-legacy makes it (mode 0600); nothing was changed",
    remedy: "run as uid 0, or set XTABLES_LOCKFILE",
    manifest: ROOT,
};
pub(super) const LOCK_MAPPED: Advice = Advice {
    when: "the same, in a user namespace",
    why: "it is open to root of the host alone (mode 0600), and root in here is another; nothing was changed",
    remedy: "run outside of the user namespace, or set XTABLES_LOCKFILE",
    manifest: USERS,
};
pub(super) const NO_LOCK: Advice = Advice {
    when: "the xtables lock cannot be opened, for another reason",
    why: "without the lock nobody would wait for us; nothing was changed",
    remedy: "make its folder writable, mount the host's /run/xtables.lock, or set XTABLES_LOCKFILE",
    manifest: LOCK_FILE,
};
pub(super) const TOOL: Advice = Advice {
    when: "a legacy tool failed",
    why: "its own words are above; a table that it did not commit is as it was",
    remedy: "`chainkeeper diff` shows what is left to do; run the tool by hand to see more",
    manifest: NONE,
};
pub(super) const STARVED: Advice = Advice {
    when: "the system has no memory, buffers or descriptors left",
    why: "see above: which; nothing was changed, or the next look will tell",
    remedy: "`run` tries again by itself; look at what uses them up, or raise the limit (LimitNOFILE=, a cgroup's memory)",
    manifest: NONE,
};
pub(super) const BUSY: Advice = Advice {
    when: "others keep committing",
    why: "another program changed the tables each time we had looked",
    remedy: "run the command again when it is done; nothing was changed",
    manifest: NONE,
};
pub(super) const OTHER: Advice = Advice {
    when: "any other refusal",
    why: "the kernel refused this step, and with it the whole family; what was there is kept",
    remedy: "run `chainkeeper diff --validate` for the step, and report it with this message",
    manifest: NONE,
};

/// Every entry, for the page.
pub const TABLE: [Advice; 26] = [
    NOT_EFFECTIVE,
    NO_NEW_PRIVS,
    NOT_GRANTED,
    USER_NAMESPACE,
    OTHER_NAMESPACE,
    REFUSED_REMOVAL,
    EXISTS,
    MISSING,
    NO_EXTENSION,
    LEGACY_DENIED,
    NO_RAW,
    NO_RAW_NOT_ROOT,
    NO_LIST,
    NO_TOOLS,
    NO_BACKEND,
    NOT_ASKED,
    LOCKED,
    LOCK_PRIVATE,
    LOCK_FOLDER,
    LOCK_DENIED,
    LOCK_MAPPED,
    NO_LOCK,
    TOOL,
    STARVED,
    BUSY,
    OTHER,
];

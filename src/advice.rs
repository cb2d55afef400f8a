//! What an error means and what to do about it: one table, shown under every error and printed in
//! docs/operating.md.
use crate::config::Dialect;
use crate::exit;
use crate::host::Privileges;
use chainkeeper_contract::{BackendError, Errno, ErrorKind};

/// One entry: when it is given, why the error happens, what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// When it applies, for the page.
    pub when: &'static str,
    /// The cause.
    pub why: &'static str,
    /// The way out.
    pub remedy: &'static str,
}

const NOT_EFFECTIVE: Advice = Advice {
    when: "EPERM, CAP_NET_ADMIN only in the bounding set",
    why: "CAP_NET_ADMIN is granted, but not to this user: it is not effective",
    remedy: "run as uid 0 with only this capability: \
             docker run --user 0 --cap-drop ALL --cap-add NET_ADMIN --network host ...",
};
const NOT_GRANTED: Advice = Advice {
    when: "EPERM, CAP_NET_ADMIN nowhere",
    why: "CAP_NET_ADMIN is missing from the bounding set",
    remedy: "run as root with CAP_NET_ADMIN, or try it without: chainkeeper run --sandbox",
};
const OTHER_NAMESPACE: Advice = Advice {
    when: "EPERM with CAP_NET_ADMIN effective",
    why: "CAP_NET_ADMIN is held over another user namespace, or a table has an owner",
    remedy: "run outside of the user namespace; a table owner shows in `nft list tables` as `flags owner`",
};
const REFUSED_REMOVAL: Advice = Advice {
    when: "EBUSY",
    why: "somebody still jumps to the chain, or put a rule into it",
    remedy: "look at `nft -a list ruleset`; nothing was changed",
};
const EXISTS: Advice = Advice {
    when: "EEXIST",
    why: "somebody else created the chain at the same moment",
    remedy: "run the command again; nothing was changed",
};
const MISSING: Advice = Advice {
    when: "a kernel piece is missing",
    why: "see above: what the kernel or this build lacks is named",
    remedy: "load the module that is named, or update the kernel",
};
const NO_EXTENSION: Advice = Advice {
    when: "the kernel lacks an xt extension",
    why: "see above: the extension, and the module that would provide it, are named",
    remedy: "load that module; or --dialect native, where nobody uses iptables",
};
const LEGACY_DENIED: Advice = Advice {
    when: "legacy: a tool, the lock or the list of tables says no",
    why: "iptables-legacy needs CAP_NET_ADMIN, CAP_NET_RAW and its lock; the list of tables uid 0 or gid 0",
    remedy: "run as uid 0 with both capabilities, and in a container mount /run/xtables.lock",
};
const NO_BACKEND: Advice = Advice {
    when: "no backend can be chosen or used",
    why: "what was seen, what is missing or could not be read is named",
    remedy: "what the row of decision 0005 asks for is named; `chainkeeper probe` shows all that was found",
};
const NOT_ASKED: Advice = Advice {
    when: "legacy: `--validate` where a table is missing",
    why: "`iptables-restore --test` makes the tables that it is asked about; looking must not",
    remedy: "leave --validate out; `apply` names what is refused",
};
const LOCKED: Advice = Advice {
    when: "the xtables lock is held",
    why: "another program is writing with iptables-legacy, or hangs; nothing was changed",
    remedy: "run the command again when it is done; --lock-wait waits longer",
};
const NO_LOCK: Advice = Advice {
    when: "the xtables lock cannot be opened",
    why: "without the lock nobody would wait for us; nothing was changed",
    remedy: "make its folder writable, mount the host's /run/xtables.lock, or set XTABLES_LOCKFILE",
};
const TOOL: Advice = Advice {
    when: "a legacy tool failed",
    why: "its own words are above; a table that it did not commit is as it was",
    remedy: "`chainkeeper diff` shows what is left to do; run the tool by hand to see more",
};
const BUSY: Advice = Advice {
    when: "others keep committing",
    why: "another program changed the tables each time we had looked",
    remedy: "run the command again when it is done; nothing was changed",
};
const OTHER: Advice = Advice {
    when: "any other refusal",
    why: "the kernel refused this step, and with it the whole family; what was there is kept",
    remedy: "run `chainkeeper diff --validate` for the step, and report it with this message",
};

/// Every entry, for the page.
pub const TABLE: [Advice; 15] = [
    NOT_EFFECTIVE,
    NOT_GRANTED,
    OTHER_NAMESPACE,
    REFUSED_REMOVAL,
    EXISTS,
    MISSING,
    NO_EXTENSION,
    LEGACY_DENIED,
    NO_BACKEND,
    NOT_ASKED,
    LOCKED,
    NO_LOCK,
    TOOL,
    BUSY,
    OTHER,
];

/// Cause and way out of a backend's error. Pure: privileges come in.
pub fn advise(error: &BackendError, privileges: Privileges) -> Advice {
    let capability = || match (privileges.effective, privileges.bounding) {
        (Some(true), _) => OTHER_NAMESPACE,
        (_, Some(true)) => NOT_EFFECTIVE,
        (_, _) => NOT_GRANTED,
    };
    match (error, error.kind(), error.errno()) {
        (BackendError::NoExtension { .. }, _, _) => NO_EXTENSION,
        (BackendError::NotAsked { .. }, _, _) => NOT_ASKED,
        (BackendError::NoBackend { remedy: Some(_), .. }, _, _) => NO_BACKEND,
        (BackendError::Lock { .. }, ErrorKind::Busy, _) => LOCKED,
        (BackendError::Lock { .. }, _, _) => NO_LOCK,
        (BackendError::Failed { .. }, ErrorKind::Denied, _) => LEGACY_DENIED,
        (BackendError::Failed { .. }, _, _) => TOOL,
        (_, ErrorKind::Denied, _) => capability(),
        (_, ErrorKind::Busy, _) => BUSY,
        (_, ErrorKind::Unsupported, _) => MISSING,
        (_, ErrorKind::Refused, Some(Errno::BUSY)) => REFUSED_REMOVAL,
        (_, ErrorKind::Refused, Some(Errno::EXIST)) => EXISTS,
        (_, ErrorKind::Refused, _) => OTHER,
    }
}

/// The screen of a warning about rules in that dialect, if there is something to know.
pub fn dialect(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Xt => None,
        Dialect::Native => Some(
            "warning: iptables-nft cannot read native rules\n  \
             why   iptables-save and iptables -S call the tables that hold them\n        \
             incompatible, and show none of their rules\n  \
             do    look at them with nft; where the kernel has xt extensions, use\n        \
             --dialect xt",
        ),
    }
}

/// The exit code of a backend's error.
pub fn exit_code(error: &BackendError) -> u8 {
    match error.kind() {
        ErrorKind::Denied => exit::DENIED,
        ErrorKind::Unsupported => exit::UNSUPPORTED,
        ErrorKind::Busy | ErrorKind::Refused => exit::FAILED,
    }
}

/// The screen of a backend's error: what, why, the way out.
pub fn screen(error: &BackendError, privileges: Privileges) -> String {
    let advice = advise(error, privileges);
    let (why, remedy) = match error {
        BackendError::Unsupported { missing, .. } | BackendError::NoExtension { missing, .. } => {
            (missing.as_str(), advice.remedy)
        }
        BackendError::NoBackend { what, why, remedy: Some(remedy), .. } => {
            return screen_of(what, why, remedy);
        }
        BackendError::NoBackend { remedy: None, .. }
        | BackendError::Busy { .. }
        | BackendError::Denied { .. }
        | BackendError::Refused { .. }
        | BackendError::Garbled { .. }
        | BackendError::Lock { .. }
        | BackendError::NotAsked { .. }
        | BackendError::Failed { .. } => (advice.why, advice.remedy),
    };
    screen_of(&error.to_string(), why, remedy)
}

fn screen_of(what: &str, why: &str, remedy: &str) -> String {
    format!("error: {what}\n  why   {why}\n  do    {remedy}")
}

//! What an error means and what to do about it: one table, shown under every error and printed in
//! the reference page.
use crate::config::Dialect;
use crate::exit;
use crate::host::Privileges;
use chainkeeper_contract::{BackendError, Errno, ErrorKind};

/// One entry: when it is given, why the error happens, what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// When it applies, for the reference page.
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
    when: "no backend, or a tool is missing",
    why: "see above: what is missing is named",
    remedy: "`chainkeeper probe` shows what was found; install iptables for legacy, or load the module",
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
const TOOL: Advice = Advice {
    when: "a legacy tool failed",
    why: "its own words are above; tables are committed one by one, the one it names was not",
    remedy: "run `chainkeeper diff` to see what is left to do",
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

/// Every entry, for the reference page.
pub const TABLE: [Advice; 14] = [
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
    TOOL,
    BUSY,
    OTHER,
];

/// Cause and way out of a backend's error. Pure: privileges come in.
pub fn advise(error: &BackendError, privileges: Privileges) -> Advice {
    match error {
        BackendError::NoExtension { .. } => return NO_EXTENSION,
        BackendError::Locked { .. } => return LOCKED,
        BackendError::NotAsked { .. } => return NOT_ASKED,
        BackendError::Busy { .. }
        | BackendError::Denied { .. }
        | BackendError::Unsupported { .. }
        | BackendError::Refused { .. }
        | BackendError::Garbled { .. }
        | BackendError::Failed { .. } => {}
    }
    let ours = !matches!(error, BackendError::Failed { .. });
    match (error.kind(), error.errno()) {
        (ErrorKind::Denied, _) => match (privileges.effective, privileges.bounding) {
            (Some(true), _) if ours => OTHER_NAMESPACE,
            (Some(true), _) => LEGACY_DENIED,
            (_, Some(true)) => NOT_EFFECTIVE,
            (_, _) => NOT_GRANTED,
        },
        (ErrorKind::Busy, _) => BUSY,
        (ErrorKind::Unsupported, None) => NO_BACKEND,
        (ErrorKind::Unsupported, Some(_)) => MISSING,
        (ErrorKind::Refused, Some(Errno::BUSY)) => REFUSED_REMOVAL,
        (ErrorKind::Refused, Some(Errno::EXIST)) => EXISTS,
        (ErrorKind::Refused, _) if ours => OTHER,
        (ErrorKind::Refused, _) => TOOL,
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
    let why = match error {
        BackendError::Unsupported { missing, .. } | BackendError::NoExtension { missing, .. } => {
            missing.clone()
        }
        BackendError::Busy { .. }
        | BackendError::Denied { .. }
        | BackendError::Refused { .. }
        | BackendError::Garbled { .. }
        | BackendError::Locked { .. }
        | BackendError::NotAsked { .. }
        | BackendError::Failed { .. } => advice.why.to_owned(),
    };
    format!("error: {error}\n  why   {why}\n  do    {}", advice.remedy)
}

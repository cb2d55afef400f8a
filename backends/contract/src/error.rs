//! Errors that say what the caller can do about them.
use crate::names::Family;
use std::fmt;

/// An errno of the kernel. Numbers of `asm-generic/errno*.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Errno(pub i32);

/// Every errno that nf_tables was seen to answer, and those of a socket that cannot be had: number, name, words.
const ERRNOS: [(i32, &str, &str); 19] = [
    (1, "EPERM", "operation not permitted"),
    (2, "ENOENT", "no such object"),
    (4, "EINTR", "interrupted"),
    (11, "EAGAIN", "no answer"),
    (12, "ENOMEM", "out of memory"),
    (13, "EACCES", "permission denied"),
    (16, "EBUSY", "in use"),
    (17, "EEXIST", "exists"),
    (22, "EINVAL", "invalid argument"),
    (23, "ENFILE", "too many files are open on this host"),
    (24, "EMFILE", "too many files are open in this process"),
    (31, "EMLINK", "chains too deep, or a loop"),
    (40, "ELOOP", "a loop of chains"),
    (85, "ERESTART", "generation moved"),
    (90, "EMSGSIZE", "message too large"),
    (93, "EPROTONOSUPPORT", "protocol not supported"),
    (95, "EOPNOTSUPP", "not supported"),
    (97, "EAFNOSUPPORT", "address family not supported"),
    (105, "ENOBUFS", "no buffer space, answers were lost"),
];

impl Errno {
    /// EPERM.
    pub const PERM: Errno = Errno(1);
    /// ENOENT.
    pub const NOENT: Errno = Errno(2);
    /// EACCES.
    pub const ACCES: Errno = Errno(13);
    /// EBUSY.
    pub const BUSY: Errno = Errno(16);
    /// EEXIST.
    pub const EXIST: Errno = Errno(17);
    /// EINVAL.
    pub const INVAL: Errno = Errno(22);
    /// EMLINK.
    pub const MLINK: Errno = Errno(31);
    /// ERESTART.
    pub const RESTART: Errno = Errno(85);
    /// EMSGSIZE.
    pub const MSGSIZE: Errno = Errno(90);
    /// EPROTONOSUPPORT.
    pub const PROTONOSUPPORT: Errno = Errno(93);
    /// EOPNOTSUPP.
    pub const OPNOTSUPP: Errno = Errno(95);
    /// EAFNOSUPPORT.
    pub const AFNOSUPPORT: Errno = Errno(97);
    /// ENOBUFS.
    pub const NOBUFS: Errno = Errno(105);

    /// `EPERM` and the like, or `errno 123`.
    pub fn name(self) -> String {
        ERRNOS
            .iter()
            .find(|e| e.0 == self.0)
            .map_or_else(|| format!("errno {}", self.0), |e| e.1.to_owned())
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = ERRNOS.iter().find(|e| e.0 == self.0).map_or("refused", |e| e.2);
        write!(f, "{words} ({})", self.name())
    }
}

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum ErrorKind {
    /// Try again: somebody else was writing, or the outcome is unknown.
    Busy,
    /// A capability is missing.
    Denied,
    /// The kernel lacks something.
    Unsupported,
    /// The kernel said no to one step.
    Refused,
}

/// What is in the place of the xtables lock of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Misplaced {
    /// A folder: a mount made it where there was no file.
    Folder,
    /// A file that only this container has, or none.
    Private,
}

/// What a process lacks that could use a backend if it had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Lack {
    /// iptables-legacy itself.
    Tools,
    /// CAP_NET_ADMIN or CAP_NET_RAW: iptables-legacy needs both.
    Capabilities,
    /// uid 0 or gid 0, for the kernel's list of legacy tables.
    Group,
}

/// Why a backend could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum BackendError {
    /// The host moved on between look and write, or answers were lost: look again.
    #[error("{what}: {errno}")]
    Busy {
        /// What was being done.
        what: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// A capability is missing, or the object belongs to another process.
    #[error("{what}: {errno}")]
    Denied {
        /// What was being done.
        what: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The kernel has no such thing.
    #[error("{what}: {errno}")]
    Unsupported {
        /// What was being done.
        what: String,
        /// The kernel's answer.
        errno: Errno,
        /// What is missing and what would provide it.
        missing: String,
    },
    /// The kernel lacks an xt extension; the native dialect does without.
    #[error("{what}: {errno}")]
    NoExtension {
        /// What was being done.
        what: String,
        /// The kernel's answer.
        errno: Errno,
        /// What is missing and what would provide it.
        missing: String,
    },
    /// The kernel refused one step, and with it the commit. Nothing was changed.
    #[error("{what}: {errno}{}", at.as_deref().map(|a| format!(", at {a}")).unwrap_or_default())]
    Refused {
        /// The step.
        what: String,
        /// The family whose step it was.
        family: Option<Family>,
        /// The kernel's answer.
        errno: Errno,
        /// The attribute that the kernel points at, from the extended ACK.
        at: Option<String>,
    },
    /// The xtables lock is held by somebody else (`Busy`), or its file cannot be opened. Nothing was changed.
    #[error("{what}: {words}")]
    Lock {
        /// What a caller can do about it.
        kind: ErrorKind,
        /// What was being done.
        what: String,
        /// Who holds it, as far as it shows; or why it cannot be opened.
        words: String,
        /// What is there in its place, if that is the reason.
        misplaced: Option<Misplaced>,
    },
    /// No backend can be chosen for this host.
    #[error("{what}: {why}")]
    NoBackend {
        /// What a caller can do about it.
        kind: ErrorKind,
        /// What is the matter.
        what: String,
        /// What was seen, or could not be.
        why: String,
        /// The way out; `None`: that of a missing capability.
        remedy: Option<String>,
        /// What would have helped, where it is known.
        lack: Option<Lack>,
    },
    /// A question that cannot be asked without changing something. It was not asked.
    #[error("{what}: {words}")]
    NotAsked {
        /// What was to be found out.
        what: String,
        /// What asking would change.
        words: String,
    },
    /// Not the kernel: a tool that we ran or a file stood in the way. Its own words.
    #[error("{what}: {words}")]
    Failed {
        /// What a caller can do about it.
        kind: ErrorKind,
        /// What was being done.
        what: String,
        /// What was said.
        words: String,
    },
    /// The kernel answered something that cannot be read.
    #[error("{what}: the answer makes no sense: {why}")]
    Garbled {
        /// What was being done.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl BackendError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BackendError::Busy { .. } => ErrorKind::Busy,
            BackendError::Denied { .. } => ErrorKind::Denied,
            BackendError::Unsupported { .. }
            | BackendError::NoExtension { .. }
            | BackendError::NotAsked { .. } => ErrorKind::Unsupported,
            BackendError::Refused { .. } | BackendError::Garbled { .. } => ErrorKind::Refused,
            BackendError::Lock { kind, .. }
            | BackendError::NoBackend { kind, .. }
            | BackendError::Failed { kind, .. } => *kind,
        }
    }

    /// The kernel's errno, where there is one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            BackendError::Busy { errno, .. }
            | BackendError::Denied { errno, .. }
            | BackendError::Unsupported { errno, .. }
            | BackendError::NoExtension { errno, .. }
            | BackendError::Refused { errno, .. } => Some(*errno),
            BackendError::Garbled { .. }
            | BackendError::Lock { .. }
            | BackendError::NoBackend { .. }
            | BackendError::NotAsked { .. }
            | BackendError::Failed { .. } => None,
        }
    }
}

//! What an error means and what to do about it: one table, shown under every error and printed in
//! docs/operating.md. In a container the way out is a line of a manifest, too.
mod container;
mod table;

pub use container::{NO_PROCESSES, WARNINGS, doubts, warning};
pub use table::TABLE;

use crate::config::Dialect;
use crate::exit;
use crate::host::{Place, Privileges};
use crate::safe;
use chainkeeper_contract::{BackendError, Errno, ErrorKind, Lack, Misplaced};

/// One entry: when it is given, why the error happens, what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// When it applies, for the page.
    pub when: &'static str,
    /// The cause.
    pub why: &'static str,
    /// The way out.
    pub remedy: &'static str,
    /// The same in a manifest of Kubernetes, as YAML, line by line; empty where there is no such way.
    pub manifest: &'static str,
}

/// Cause and way out of a backend's error. Pure: the place comes in.
pub fn advise(error: &BackendError, place: Place) -> Advice {
    match (error, error.kind(), error.errno()) {
        (BackendError::NoExtension { .. }, _, _) => table::NO_EXTENSION,
        (BackendError::NotAsked { .. }, _, _) => table::NOT_ASKED,
        (BackendError::NoBackend { remedy: Some(_), lack, .. }, _, _) => lacking(*lack, place),
        (BackendError::Lock { misplaced: Some(it), .. }, _, _) => misplaced(*it),
        (BackendError::Lock { .. }, ErrorKind::Busy, _) => table::LOCKED,
        (BackendError::Lock { .. }, ErrorKind::Denied, _) if place.user_namespace => {
            table::LOCK_MAPPED
        }
        (BackendError::Lock { .. }, ErrorKind::Denied, _) => table::LOCK_DENIED,
        (BackendError::Lock { .. }, _, _) => table::NO_LOCK,
        (BackendError::Failed { .. }, ErrorKind::Denied, _) if place.is_mapped() => {
            table::USER_NAMESPACE
        }
        (BackendError::Failed { .. }, ErrorKind::Denied, _) => table::LEGACY_DENIED,
        (BackendError::Failed { .. }, _, _) => table::TOOL,
        (_, ErrorKind::Denied, _) => capability(place),
        (_, _, Some(Errno::NOBUFS | Errno(12 | 23 | 24))) => table::STARVED, // ENOMEM, ENFILE, EMFILE
        (_, ErrorKind::Busy, _) => table::BUSY,
        (_, ErrorKind::Unsupported, _) => table::MISSING,
        (_, ErrorKind::Refused, Some(Errno::BUSY)) => table::REFUSED_REMOVAL,
        (_, ErrorKind::Refused, Some(Errno::EXIST)) => table::EXISTS,
        (_, ErrorKind::Refused, _) => table::OTHER,
    }
}

/// Why CAP_NET_ADMIN does not count.
fn capability(place: Place) -> Advice {
    let Privileges { effective, bounding, no_new_privs, .. } = place.privileges;
    let blocked = no_new_privs == Some(true);
    match (effective, bounding) {
        (Some(true), _) if place.is_mapped() => table::USER_NAMESPACE,
        (Some(true), _) => table::OTHER_NAMESPACE,
        (_, Some(true)) if blocked => table::NO_NEW_PRIVS,
        (_, Some(true)) => table::NOT_EFFECTIVE,
        (_, _) => table::NOT_GRANTED,
    }
}

fn lacking(lack: Option<Lack>, place: Place) -> Advice {
    match lack {
        Some(Lack::Tools) => table::NO_TOOLS,
        Some(Lack::Capabilities) if place.privileges.uid == Some(0) => table::NO_RAW,
        Some(Lack::Capabilities) => table::NO_RAW_NOT_ROOT,
        Some(Lack::Group) => table::NO_LIST,
        None => table::NO_BACKEND,
    }
}

fn misplaced(it: Misplaced) -> Advice {
    match it {
        Misplaced::Folder => table::LOCK_FOLDER,
        Misplaced::Private => table::LOCK_PRIVATE,
    }
}

/// The line of a manifest that mends it; `None` outside of containers, and where there is no such line.
pub fn manifest(error: &BackendError, place: Place) -> Option<&'static str> {
    let line = advise(error, place).manifest;
    (place.container && !line.is_empty()).then_some(line)
}

/// The screen of a warning about rules in that dialect, if there is something to know.
pub fn dialect(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Xt => None,
        Dialect::Native => Some(
            "warning: iptables-nft cannot read native rules\n  \
             why   iptables-save and iptables -S call the tables that hold them incompatible, and show \
             none of their rules\n  \
             do    look at them with nft; where the kernel has xt extensions, use `--dialect xt`",
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

/// The screen of a backend's error: what, why, the way out. Only what the table says has several lines.
pub fn screen(error: &BackendError, place: Place) -> String {
    let advice = advise(error, place);
    let manifest = manifest(error, place);
    let (why, remedy) = match error {
        BackendError::Unsupported { missing, .. } | BackendError::NoExtension { missing, .. } => {
            (&*safe::line(missing), advice.remedy)
        }
        BackendError::NoBackend { what, why, remedy: Some(remedy), .. } => {
            let [what, why, remedy] = [what, why, remedy].map(|text| safe::line(text));
            return screen_of(&what, &why, &remedy, manifest);
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
    screen_of(&safe::line(&error.to_string()), why, remedy, manifest)
}

fn screen_of(what: &str, why: &str, remedy: &str, manifest: Option<&str>) -> String {
    format!("error: {what}\n  why   {why}\n  do    {remedy}{}", yaml(manifest))
}

/// To be copied: each line is left whole.
fn yaml(manifest: Option<&str>) -> String {
    manifest
        .map_or(String::new(), |lines| format!("\n  yaml  {}", lines.replace('\n', "\n        ")))
}

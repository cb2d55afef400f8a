//! x_tables tells nobody: what can be had without reading a rule is how large each table is.
use crate::host::{Names, listed};
use crate::info::{self, Info};
use crate::reader::unreadable;
use chainkeeper_contract::{BackendError, Errno, ErrorKind, Family, Pace, Signal, Table, Watch};
use nix::errno::Errno as NixErrno;
use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

const CALM: Duration = Duration::from_secs(1);
const CLOSE: Duration = Duration::from_millis(50);

/// Looks at the sizes of the tables that are there.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// Without the family that this kernel has no sockets of.
    sockets: BTreeMap<Family, OwnedFd>,
    last: Option<BTreeMap<(Family, Table), Info>>,
}

impl Sizes {
    pub(crate) fn open() -> Result<Sizes, BackendError> {
        let mut sockets = BTreeMap::new();
        for family in Family::ALL {
            match info::open(family) {
                Ok(socket) => drop(sockets.insert(family, socket)),
                Err(NixErrno::EAFNOSUPPORT) => {}
                Err(errno) => return Err(failed(format!("cannot open an {family} socket"), errno)),
            }
        }
        let mut sizes = Sizes { sockets, last: None };
        // Looked at now: what comes after it was opened is news. What cannot be read fails at `next`.
        sizes.last = sizes.look().ok();
        Ok(sizes)
    }

    /// The tables of ours that the kernel lists, each with its size.
    fn look(&self) -> Result<BTreeMap<(Family, Table), Info>, BackendError> {
        let mut sizes = BTreeMap::new();
        for (family, socket) in &self.sockets {
            let names = match listed(*family) {
                Names::Listed(names) => names,
                Names::NoList => continue,
                Names::Unreadable(error) => {
                    return Err(unreadable(format!("cannot watch the {family} tables"), &error));
                }
            };
            for table in Table::ALL.into_iter().filter(|t| names.iter().any(|n| n == t.name())) {
                match info::ask(socket, *family, table) {
                    Ok(info) => drop(sizes.insert((*family, table), info)),
                    // Gone since it was listed.
                    Err(NixErrno::ENOENT | NixErrno::ENOPROTOOPT) => {}
                    Err(errno) => return Err(asking(*family, table, errno)),
                }
            }
        }
        Ok(sizes)
    }
}

impl Watch for Sizes {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn pace(&self) -> Pace {
        Pace { calm: CALM, close: CLOSE }
    }

    /// The first look is what later ones are compared with.
    fn next(&mut self) -> Result<Option<Signal>, BackendError> {
        let now = self.look()?;
        let moved = self.last.as_ref().is_some_and(|last| *last != now);
        self.last = Some(now);
        Ok(moved.then_some(Signal::Commit { generation: None, writer: None }))
    }
}

fn asking(family: Family, table: Table, errno: NixErrno) -> BackendError {
    let what = format!("cannot ask for the size of {family} {table}");
    if errno == NixErrno::EPERM {
        let what = format!("{what}, which takes CAP_NET_ADMIN");
        return BackendError::Denied { what, errno: Errno::PERM };
    }
    failed(what, errno)
}

fn failed(what: String, errno: NixErrno) -> BackendError {
    let words = std::io::Error::from(errno).to_string();
    BackendError::Failed { kind: ErrorKind::Refused, what, words }
}

//! One consistent look, however often others commit meanwhile.
use super::{Trouble, generation};
use crate::errors::asking;
use crate::wire::Socket;
use chainkeeper_contract::{BackendError, Errno};

/// Looks that may be interrupted by other writers before we say so.
const LOOKS: usize = 20;

/// What was seen between two equal generation numbers, and that number.
pub(crate) fn steady<T>(
    socket: &mut Socket,
    mut look: impl FnMut(&mut Socket) -> Result<T, Trouble>,
) -> Result<(u32, T), BackendError> {
    for _ in 0..LOOKS {
        match between(socket, &mut look) {
            Ok(seen) => return Ok(seen),
            Err(Trouble::Interrupted) => {}
            Err(Trouble::Failed(error)) => {
                // Answers may still be queued, or lost: start the next look on a clean socket.
                socket.reopen().map_err(opening)?;
                return Err(error);
            }
        }
    }
    let what = format!("read nf_tables: others committed during {LOOKS} looks in a row");
    Err(BackendError::Busy { what, errno: Errno::RESTART })
}

fn between<T>(
    socket: &mut Socket,
    look: &mut impl FnMut(&mut Socket) -> Result<T, Trouble>,
) -> Result<(u32, T), Trouble> {
    let before = generation(socket)?;
    let seen = look(socket)?;
    if generation(socket)? != before {
        return Err(Trouble::Interrupted);
    }
    Ok((before, seen))
}

/// The error of a socket that could not be made.
pub(crate) fn opening(errno: Errno) -> BackendError {
    asking("cannot open a netlink socket", errno)
}

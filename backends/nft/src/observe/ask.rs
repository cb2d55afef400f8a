//! Questions that are no dump: many of them in one datagram.
use super::{Trouble, failed};
use crate::read::{Body, Malformed, Messages};
use crate::wire::Socket;
use crate::write::{Request, encode_requests};
use chainkeeper_contract::Errno;

/// Questions in one datagram: all answers have to fit into the socket's receive buffer (by default
/// net.core.rmem_default, 208 KiB).
const AT_ONCE: usize = 64;

/// Asks all of these; `object` gets the kind and the attributes of what is there. The kernel answers each
/// once, in order, by the object or an error, so nothing more is received after the answer to the last.
pub(super) fn ask(
    socket: &mut Socket,
    questions: &[Request<'_>],
    mut object: impl FnMut(u16, &[u8]) -> Result<(), Malformed>,
) -> Result<(), Trouble> {
    questions.chunks(AT_ONCE).try_for_each(|some| at_once(socket, some, &mut object))
}

fn at_once(
    socket: &mut Socket,
    questions: &[Request<'_>],
    object: &mut impl FnMut(u16, &[u8]) -> Result<(), Malformed>,
) -> Result<(), Trouble> {
    let first = socket.seqs(questions.len());
    let last = first.wrapping_add(questions.len() as u32 - 1);
    socket.send(&encode_requests(questions, first)).map_err(failed)?;
    let mut answered = false;
    while !answered {
        let Some(datagram) = socket.receive().map_err(failed)? else {
            return Err(failed(Errno(11))); // an answer was lost
        };
        for message in Messages::new(datagram) {
            let message = message?;
            answered |= message.seq == last;
            match message.body {
                Body::Object { kind, attrs, .. } => object(kind, attrs)?,
                Body::Error { errno, .. } if errno == 0 || Errno(errno) == Errno::NOENT => {}
                Body::Error { errno, .. } => return Err(failed(Errno(errno))),
                Body::Done => {}
            }
        }
    }
    Ok(())
}

//! The messages of a plan on their way to the kernel, and what they are called when it refuses one.
use crate::errors;
use crate::lower::Dialect;
use crate::ops::{self, Msg};
use crate::write::Unwritable;
use chainkeeper_contract::{BackendError, Errno, Family, Plan, Step};

/// The messages of a plan, each with the step it belongs to.
pub(crate) struct Sending<'a> {
    pub(crate) messages: Vec<(Family, Msg)>,
    steps: Vec<&'a Step>,
}

impl<'a> Sending<'a> {
    pub(crate) fn of(
        plan: &'a Plan,
        families: &[Family],
        dialect: Dialect,
    ) -> Result<Sending<'a>, (Family, BackendError)> {
        let mut sending = Sending { messages: Vec::new(), steps: Vec::new() };
        let wanted = plan.families.iter().filter(|(f, _)| families.contains(f));
        for (family, step) in wanted.flat_map(|(f, steps)| steps.iter().map(move |s| (*f, s))) {
            let messages = ops::messages(family, dialect, step).map_err(|why| {
                (family, errors::inexpressible(&format!("{family}: {step}"), &why))
            })?;
            for message in messages {
                sending.messages.push((family, message));
                sending.steps.push(step);
            }
        }
        Ok(sending)
    }

    /// The step that the n-th message belongs to, with its family.
    pub(crate) fn step(&self, nth: usize) -> String {
        let found = self.messages.get(nth).zip(self.steps.get(nth));
        found.map_or("commit".into(), |((family, _), step)| format!("{family}: {step}"))
    }

    /// The kernel's refusal of the n-th message, as it was sent in that batch, and whose it is; `None` where there is
    /// no such message.
    pub(crate) fn refusal(
        &self,
        nth: usize,
        sent: &[u8],
        errno: Errno,
        offset: Option<u32>,
    ) -> Option<(Family, BackendError)> {
        let (family, msg) = self.messages.get(nth)?;
        // The first message of a datagram begins the batch.
        let (step, sent) = (self.step(nth), nth_message(sent, nth + 1));
        Some((*family, errors::message(&step, (*family, msg), sent, errno, offset)))
    }

    pub(crate) fn unwritable(&self, why: &Unwritable) -> (Family, BackendError) {
        let family = self.messages.get(why.message).map_or(Family::Ipv4, |(family, _)| *family);
        (family, errors::unwritable(family, &self.step(why.message), &why.why))
    }
}

/// The bytes of the n-th message of a datagram of our own.
fn nth_message(datagram: &[u8], nth: usize) -> &[u8] {
    let mut rest = datagram;
    for _ in 0..nth {
        let len = message_len(rest).next_multiple_of(4);
        rest = rest.get(len..).unwrap_or(&[]);
    }
    rest.get(..message_len(rest)).unwrap_or(&[])
}

fn message_len(bytes: &[u8]) -> usize {
    let len = bytes.get(..4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes);
    len as usize
}

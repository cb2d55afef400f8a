//! Meaning of xt matches and targets.
use super::{Raising, masquerade, once, u16_at, u32_at, zero};
use crate::expr::Xt;
use chainkeeper_contract::{Action, Cond, CtStates, Family, Mark};

impl Raising {
    pub(super) fn xt_match(&mut self, xt: &Xt) -> Option<()> {
        match (xt.name.as_str(), xt.rev) {
            ("comment", 0) if self.comment.is_none() => {
                self.comment = Some(c_string(&xt.info)?);
                Some(())
            }
            ("mark", 1) => {
                let (value, mask) = (u32_at(&xt.info, 0)?, u32_at(&xt.info, 4)?);
                let invert = *xt.info.get(8)?;
                (invert <= 1 && zero(&xt.info[9..])).then_some(())?;
                let value = Mark { value, mask };
                once(&mut self.matches.mark, Cond { negated: invert == 1, value })
            }
            ("conntrack", 3) => once(&mut self.matches.ctstate, conntrack(&xt.info)?),
            _ => None,
        }
    }

    pub(super) fn target(&self, xt: &Xt) -> Option<Action> {
        match (xt.name.as_str(), xt.rev) {
            ("MARK", 2) if xt.info.len() == 8 => {
                Some(Action::Mark { value: u32_at(&xt.info, 0)?, mask: u32_at(&xt.info, 4)? })
            }
            ("MASQUERADE", 0) => {
                let flags_at = match self.family {
                    Family::Ipv4 => (u32_at(&xt.info, 0)? == 1).then_some(4)?,
                    Family::Ipv6 => 0,
                };
                let flags = u32_at(&xt.info, flags_at)?;
                zero(&xt.info[flags_at + 4..]).then(|| masquerade(flags))?
            }
            _ => None,
        }
    }
}

fn c_string(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| *b == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok()
}

/// Only `--ctstate`: every other field zero.
fn conntrack(info: &[u8]) -> Option<Cond<CtStates>> {
    let (flags, invert, states) = (u16_at(info, 146)?, u16_at(info, 148)?, u16_at(info, 150)?);
    let only = flags == 1 && invert <= 1 && states & !CtStates::KNOWN == 0;
    (only && zero(&info[..146]) && zero(&info[152..]))
        .then_some(Cond { negated: invert == 1, value: CtStates(states) })
}

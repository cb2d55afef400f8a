//! Expressions to meaning. Accepts every dialect that iptables-nft 1.8.2 to 1.8.13 writes for our kind
//! of rule, and the one without xt; anything left over makes the rule foreign, never equal to ours.
mod compare;
mod xt;

use crate::expr::{Expr, Verdict};
use crate::lower::RANDOM_FULLY;
use crate::outline::outline;
use crate::uapi::UDATA_RULE_COMMENT;
use chainkeeper_contract::{Action, ChainName, Cond, CtStates, Family, Matches, Rule, Seen};

/// The meaning of a rule, or its outline. `userdata` is NFTA_RULE_USERDATA, empty if there is none.
pub fn raise(family: Family, exprs: &[Expr], userdata: &[u8]) -> Seen {
    match Raising::new(family).all(exprs, userdata) {
        Some(rule) => Seen::Known(rule),
        None => Seen::Foreign(outline(exprs)),
    }
}

struct Raising {
    family: Family,
    matches: Matches,
    /// `ct state`, in the names of xt.
    state: Option<Cond<CtStates>>,
    /// `ct status`, in the names of xt.
    status: Option<Cond<CtStates>>,
    /// A question before a native mark that is true of every packet.
    guarded: bool,
    comment: Option<String>,
    action: Option<Action>,
    counted: bool,
}

impl Raising {
    fn new(family: Family) -> Raising {
        let (matches, state, status, comment, action) = Default::default();
        let (guarded, counted) = (false, false);
        Raising { family, matches, state, status, guarded, comment, action, counted }
    }

    fn all(mut self, exprs: &[Expr], userdata: &[u8]) -> Option<Rule> {
        let mut rest = exprs;
        while let Some((expr, tail)) = rest.split_first() {
            if self.action.is_some() {
                return None; // nothing of ours goes on after its action
            }
            rest = match expr {
                Expr::Payload { dreg, .. } | Expr::Meta { dreg, .. } | Expr::Ct { dreg, .. } => {
                    self.loaded(expr, *dreg, tail)?
                }
                Expr::Match(xt) => self.xt_match(xt).map(|()| tail)?,
                Expr::Target(xt) => {
                    self.action = Some(self.target(xt)?);
                    tail
                }
                Expr::Immediate(verdict) => {
                    self.action = Some(action(verdict)?);
                    tail
                }
                Expr::Masq { flags } => {
                    self.action = Some(masquerade(*flags)?);
                    tail
                }
                Expr::Counter { .. } if !self.counted => {
                    self.counted = true;
                    tail
                }
                Expr::Counter { .. }
                | Expr::Bitwise { .. }
                | Expr::Cmp { .. }
                | Expr::MetaSet { .. }
                | Expr::Other(_) => return None,
            };
        }
        self.whole(userdata)
    }

    /// The rule, now that all of its expressions are read.
    fn whole(mut self, userdata: &[u8]) -> Option<Rule> {
        if !userdata.is_empty() {
            let text = userdata_comment(userdata)?;
            if self.comment.as_ref().is_some_and(|c| *c != text) {
                return None;
            }
            self.comment = Some(text);
        }
        self.matches.ctstate = self.ctstate()?;
        let action = self.action?;
        let marks = self.matches.mark.is_some() || matches!(action, Action::Mark { .. });
        // We ask it before a mark only; elsewhere it is somebody's, and iptables-nft cannot read it.
        (marks || !self.guarded).then_some(())?;
        Some(Rule { matches: self.matches, action, comment: self.comment })
    }

    /// The conntrack condition. A question about the status breaks off for a packet without an entry,
    /// so the negated one also means "neither invalid nor untracked".
    fn ctstate(&self) -> Option<Option<Cond<CtStates>>> {
        let no_entry = CtStates::INVALID | CtStates::UNTRACKED;
        match (self.matches.ctstate, self.state, self.status) {
            (xt, None, None) => Some(xt),
            (None, state @ Some(_), None) => Some(state),
            (None, None, Some(status)) => {
                let implied = if status.negated { no_entry } else { 0 };
                Some(Some(Cond { value: CtStates(status.value.0 | implied), ..status }))
            }
            (None, Some(state), Some(status))
                if state.negated && status.negated && state.value.0 & no_entry == no_entry =>
            {
                Some(Some(Cond::not(CtStates(state.value.0 | status.value.0))))
            }
            (_, _, _) => None,
        }
    }
}

fn action(verdict: &Verdict) -> Option<Action> {
    match verdict {
        Verdict::Drop => Some(Action::Drop),
        Verdict::Return => Some(Action::Return),
        Verdict::Jump(to) => Some(Action::Jump(ChainName::from(to.as_str()))),
        Verdict::Accept | Verdict::Goto(_) | Verdict::Other(_) => None,
    }
}

fn masquerade(flags: u32) -> Option<Action> {
    let random_fully = flags == RANDOM_FULLY;
    (flags & !RANDOM_FULLY == 0).then_some(Action::Masquerade { random_fully })
}

/// Two conditions of one kind are more than our rules can say.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

fn zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| *b == 0)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// A comment as iptables-nft 1.8.2 and nft write it: type 0, length with NUL, text, NUL; nothing else.
fn userdata_comment(data: &[u8]) -> Option<String> {
    match data {
        [UDATA_RULE_COMMENT, len, text @ ..] if text.len() == usize::from(*len) => {
            let (nul, text) = text.split_last()?;
            (*nul == 0).then(|| String::from_utf8(text.to_vec()).ok())?
        }
        _ => None,
    }
}

//! One pass of `run`: the chains, then the evidence, then the other backend.
use super::{Passes, Switch};
use crate::config::OnBackendChange;
use crate::damage::Selection;
use crate::monitor::Findings;
use crate::probe::Choice;
use crate::reconcile::{Counted, Look, Pass};
use chainkeeper_contract::{BackendError, CanaryPolicy, Family};
use std::collections::BTreeSet;

/// What a pass of `run` may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// Write what is missing. Else it is only looked at.
    pub write: bool,
    /// Of these chains.
    pub chains: Selection,
    /// Families whose KUBE-KUBELET-CANARY is written, too.
    pub canaries: BTreeSet<Family>,
    /// Others may be followed to the other backend, and what is left there taken out.
    pub elsewhere: bool,
}

/// One pass of `run`.
#[derive(Debug)]
pub struct Synced {
    /// What the monitor has to know of it.
    pub findings: Findings,
    /// The backend that is in use now, and why.
    pub choice: Choice,
    /// The pass, in that backend.
    pub kept: Result<Passes, BackendError>,
    /// What is to be said about backends, once.
    pub said: Vec<String>,
    /// Others have moved, and the configuration asks to end then.
    pub leave: bool,
    /// So often a write began anew, because somebody had committed since its look.
    pub restarts: u32,
}

impl Switch {
    /// One pass of `run`: looks at the chains, or brings them in place; then looks at the evidence again.
    pub fn sync(&mut self, task: &Task) -> Synced {
        if !self.config.make_chains {
            let (findings, choice) = (Findings::default(), self.choice.clone());
            let kept = Ok(Passes { pass: Pass::of(Look::nothing()), other: None });
            return Synced { findings, choice, kept, said: vec![], leave: false, restarts: 0 };
        }
        // What was lost comes back, but for the hint: kubelet may just have taken it to the other
        // backend. So that is looked at before it is written, too. Before the first pass it was just now.
        let asked = (task.write && self.keeper.hint_waited()).then(|| self.look_again());
        let stayed = asked.as_ref().is_some_and(|(_, moved)| moved.is_none());
        self.keeper.hold_hint(self.placed && !stayed);
        self.keeper.select(task.chains.clone());
        let mut pass = self.pass(task);
        let mut findings = self.findings(&pass);
        let (mut words, moved) = asked.unwrap_or_else(|| self.look_again());
        if moved.is_none() && task.write && self.keeper.hint_waited() {
            self.write_hint(task, &mut pass, &mut findings);
        }
        self.keeper.hold_hint(self.placed);
        let (mut leave, mut news, mut restarts) = (false, None, 0);
        match (moved, self.config.on_backend_change) {
            (Some(_), OnBackendChange::Exit) => {
                words.push("stopping (--on-backend-change exit)".into());
                leave = true;
            }
            (Some(new), OnBackendChange::Follow) if task.elsewhere => {
                restarts = self.keeper.restarts(); // another keeper may go on
                match self.follow(new, &pass) {
                    Ok((there, moved)) => {
                        pass = Ok(there);
                        findings = self.findings(&pass);
                        news = Some(moved);
                    }
                    Err(why) => words.push(why),
                }
            }
            (Some(_), OnBackendChange::Follow | OnBackendChange::Warn) | (None, _) => {}
        }
        let said = self.unsaid(words).into_iter().chain(news).collect();
        let done = pass.map(|pass| match task.elsewhere {
            true => self.after(pass),
            false => Passes { pass, other: None },
        });
        let restarts = restarts + self.keeper.restarts();
        Synced { findings, choice: self.choice.clone(), kept: done, said, leave, restarts }
    }

    /// The chains alone.
    fn pass(&mut self, task: &Task) -> Result<Pass, BackendError> {
        if !task.write {
            return self.keeper.look(CanaryPolicy::Report).map(Pass::of);
        }
        let pass = self.keeper.keep(&task.canaries);
        self.placed = true;
        if let Ok(pass) = &pass {
            let families = self.config.families.iter().copied();
            self.unwritten = families.filter(|f| pass.error(*f).is_some()).collect();
        }
        pass
    }

    /// Nobody has moved: the hint that waited is written, too. What could not be tried anew is left as it was.
    fn write_hint(
        &mut self,
        task: &Task,
        pass: &mut Result<Pass, BackendError>,
        findings: &mut Findings,
    ) {
        self.keeper.hold_hint(false);
        let hint = self.keeper.keep(&task.canaries);
        if hint.is_ok() {
            let (before, after) = (std::mem::take(findings), self.findings(&hint));
            *findings = Findings {
                found: before.found,
                commits: before.commits + after.commits,
                ours: &before.ours | &after.ours,
                wants_else: before.wants_else | after.wants_else,
                ..after
            };
        }
        if hint.is_err() || pass.as_ref().is_ok_and(|pass| pass.applied.is_none()) {
            *pass = hint;
        }
    }

    /// Looks at the chains alone, for the monitor.
    pub fn glance(&mut self) -> (Result<Look, BackendError>, Findings) {
        let pass = match self.config.make_chains {
            true => self.keeper.look(CanaryPolicy::Report).map(Pass::of),
            false => Ok(Pass::of(Look::nothing())),
        };
        let findings = self.findings(&pass);
        (pass.map(|pass| pass.look), findings)
    }

    /// What our rules have counted by now. Reads only; the next pass is as if nobody had asked.
    pub fn count(&mut self) -> Result<Vec<Counted>, BackendError> {
        self.keeper.count()
    }

    fn findings(&mut self, pass: &Result<Pass, BackendError>) -> Findings {
        let wants_else = self.keeper.wants_else();
        match pass {
            Ok(pass) => Findings { wants_else, ..pass.findings(&self.config.monitor.keep) },
            Err(_) => {
                let unread = self.config.families.iter().copied().collect();
                Findings { unread, failed: true, ..Findings::default() }
            }
        }
    }
}

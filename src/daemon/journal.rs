//! The journal of `run`: each thing once, so that a quiet service has a short one.
use crate::advice;
use crate::host;
use crate::reconcile::Pass;
use crate::report;
use crate::switch::Passes;
use chainkeeper_contract::BackendError;
use tracing::{error, info, warn};

/// Says each thing once: a quiet service has a short journal.
#[derive(Default)]
pub(super) struct Journal {
    last_state: String,
    last_error: String,
    /// Of the other backend.
    last_other: String,
}

impl Journal {
    /// Says what there is to say of a pass; `told`: what it wrote is said elsewhere.
    pub(super) fn synced(
        &mut self,
        kept: &Result<Passes, BackendError>,
        said: &[String],
        told: bool,
    ) {
        said.iter().for_each(|line| warn!("{line}"));
        match kept {
            Ok(done) => {
                // As it was done: written here, then taken out there.
                self.pass(Ok(&done.pass), told);
                self.other_errors(done);
                if let Some(swept) = done.swept().filter(|pass| pass.applied.is_some()) {
                    info!("in the other backend:");
                    report::removal(swept).lines().for_each(|line| info!("{line}"));
                }
            }
            Err(error) => self.pass(Err(error), told),
        }
    }

    fn other_errors(&mut self, done: &Passes) {
        let screens = done.other_errors().map(|e| advice::screen(e, host::place()));
        let errors = screens.collect::<Vec<_>>().join("\n");
        if errors != self.last_other && !errors.is_empty() {
            error!("chains of ours are left in the other backend\n{errors}");
        }
        self.last_other = errors;
    }

    fn pass(&mut self, pass: Result<&Pass, &BackendError>, told: bool) {
        let errors = match pass {
            Ok(pass) => pass.errors().cloned().collect(),
            Err(error) => vec![error.clone()],
        };
        let errors: Vec<String> =
            errors.iter().map(|e: &BackendError| advice::screen(e, host::place())).collect();
        let errors = errors.join("\n");
        // A look is no proof that what could not be written can be.
        let proof = pass.is_err() || pass.is_ok_and(|p| p.applied.is_some() || p.look.in_sync());
        if errors != self.last_error && (proof || !errors.is_empty()) {
            if errors.is_empty() {
                info!("well again");
            } else {
                error!("{errors}");
            }
            self.last_error = errors;
        }
        let Ok(pass) = pass else { return };
        let wrote = pass.applied.as_ref().is_some_and(|a| a.commits > 0);
        for line in report::applied(pass).lines().filter(|_| wrote && !told) {
            info!("{line}");
        }
        let state = report::state(&pass.look);
        if state != self.last_state {
            for line in state.lines() {
                if pass.look.has_problems() {
                    warn!("{line}");
                } else {
                    info!("{line}");
                }
            }
            self.last_state = state;
        }
    }
}

//! Have others moved to the other backend? And going after them.
use super::{Switch, keeper};
use crate::config::OnBackendChange;
use crate::probe::{Basis, Choice, Conclusion, Remembered};
use crate::reconcile::Pass;
use chainkeeper_contract::{BackendError, CanaryPolicy, Family};

impl Switch {
    /// Of what there is to say, what was not said last time.
    pub(super) fn unsaid(&mut self, words: Vec<String>) -> Vec<String> {
        // Another number of rules is no news.
        let plain =
            |w: &String| w.replace(|c: char| c.is_ascii_digit(), "").replace("rules", "rule");
        let told: Vec<String> = self.told.iter().map(plain).collect();
        let new = words.iter().filter(|w| !told.contains(&plain(w))).cloned().collect();
        self.told = words;
        new
    }

    /// The evidence of now. Missing evidence is no change: the choice so far counts as remembered.
    pub(super) fn look_again(&mut self) -> (Vec<String>, Option<Choice>) {
        let (state, _) = self.memory.load();
        let (kind, evidence) = (self.choice.kind, self.choice.hint);
        let known = Remembered { kind, evidence, from: "this run".into(), now: true };
        let seen = (kind, self.keeper.held());
        let (facts, conclusion) = self.gatherer.choose(&state, Some(known), Some(seen));
        self.gone.extend(facts.legacy.gone);
        match conclusion {
            Conclusion::Chosen(new) if new.kind == kind => {
                let words = new.warnings.clone();
                if new.basis == Basis::Evidence {
                    self.keeper.hint(new.hint);
                    self.choice = new;
                }
                (words, None)
            }
            Conclusion::Chosen(new) => {
                let stay = match self.config.on_backend_change {
                    OnBackendChange::Warn => {
                        format!("; staying with {kind} (--on-backend-change warn)")
                    }
                    OnBackendChange::Follow | OnBackendChange::Exit => String::new(),
                };
                (vec![format!("others use {} now: {}{stay}", new.kind, new.why)], Some(new))
            }
            Conclusion::None(no) => {
                (vec![format!("{}: {}; staying with {kind}", no.what, no.why)], None)
            }
            Conclusion::Ask(_) => (vec![], None), // asked and answered by the gatherer
        }
    }

    /// Writes in the new backend; only when all that works in the old one works there is the old one a
    /// leftover. The pass, and what to say of it.
    pub(super) fn follow(
        &mut self,
        new: Choice,
        here: &Result<Pass, BackendError>,
    ) -> Result<(Pass, String), String> {
        let cannot = |why: String| format!("cannot move to {}: {why}", new.kind);
        let mut keeper = keeper(&self.config, &self.memory, &new, &self.stop)
            .map_err(|e| cannot(e.to_string()))?;
        let pass = keeper.apply(CanaryPolicy::Write).map_err(|e| cannot(e.to_string()))?;
        let works = |family: &Family| match here {
            Ok(here) => here.error(*family).is_none() && !self.unwritten.contains(family),
            Err(_) => true, // it may be in place, though we could not look
        };
        if !self.config.families.iter().filter(|f| works(f)).all(|f| pass.family_in_place(*f)) {
            let errors = pass.errors().map(ToString::to_string);
            let why: Vec<String> = errors.chain(pass.look.problems()).collect();
            return Err(cannot(why.join("; ")));
        }
        // As after a first pass: a canary that is lost from now on is somebody's to see.
        let placed = self.config.families.iter().copied().filter(|f| pass.family_in_place(*f));
        keeper.settle(placed);
        let said = format!("moved from {} to {}", self.choice.kind, new.kind);
        self.keeper = keeper;
        self.choice = new;
        self.leftover = true;
        Ok((pass, said))
    }
}

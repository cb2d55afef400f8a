//! `check`: is everything in place? Asks the host itself; a running service adds what it knows.
use super::screen::{Screen, warn};
use super::{again, context, families, nothing_kept, open};
use crate::config::Config;
use crate::control::{Answer, Request, ask_once};
use crate::exit;
use crate::host;
use crate::reconcile::Pass;
use crate::report;
use crate::status::Status;
use crate::switch::Switch;
use chainkeeper_contract::{BackendError, CanaryPolicy};
use serde_json::json;
use std::time::Duration;

/// `check`.
pub fn check(config: &Config, wait: Option<Duration>, screen: Screen) -> u8 {
    if let Some(code) = nothing_kept(config, screen) {
        return code;
    }
    let once = || open(config).and_then(|mut s| Ok((Pass::of(s.look(CanaryPolicy::Report)?), s)));
    let well = |looked: &Result<(Pass, Switch), BackendError>| {
        looked.as_ref().is_ok_and(|(pass, _)| pass.look.in_sync())
    };
    match again(wait, once, well) {
        Err(error) => screen.fail(&error),
        Ok((pass, switch)) => {
            let status = status(config);
            let text = || report::check(&pass.look, status.as_ref());
            let json = || {
                let mut value = report::json(&pass.look, None, None, host::place());
                value["service"] = json!(status);
                value["running"] = json!(status.is_some());
                context(config, &switch, value, None)
            };
            screen.result(text, json);
            families(&pass, if pass.look.in_sync() { exit::FINE } else { exit::DIFFERS })
        }
    }
}

/// What a running service says, if there is one.
pub(super) fn status(config: &Config) -> Option<Status> {
    match ask_once(config.socket.as_deref()?, &Request::Status {}) {
        Ok(Answer::Status(status)) => Some(*status),
        Ok(Answer::Event(_) | Answer::Done(_) | Answer::Error(_)) => None,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            warn(&format!("note: the service cannot be asked: {error}"));
            None
        }
        Err(_) => None,
    }
}

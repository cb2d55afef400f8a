//! What people and programs see. Results only: errors are `advice`.
mod diff;
mod events;
mod lines;
mod probe;
mod status;
mod written;

pub use diff::{diff, removal_diff, state, state_screen};
pub use events::{event_line, event_screen, who};
pub use lines::{folded, length};
pub use probe::{no_backend, probe, probe_json};
pub use status::{absent, check, live, status, word};
pub use written::{applied, removal};

use crate::advice;
use crate::host::Place;
use crate::reconcile::{Look, Outcome};
use chainkeeper_contract::{Applied, BackendError, Family};
use serde_json::{Value, json};

/// The JSON of a look or a pass: families with steps, notes, problems, and an error where there is one.
pub fn json(look: &Look, applied: Option<&Applied>, took_ms: Option<f64>, place: Place) -> Value {
    let family = |(family, outcome): (&Family, &Outcome)| {
        let refused = applied.and_then(|a| a.families.get(family)?.as_ref().err());
        let error = outcome.as_ref().err().or(refused);
        let mut value = match outcome {
            Ok(delta) => json!({
                "in_sync": delta.in_sync(),
                "steps": delta.steps,
                "notes": delta.notes,
                "problems": delta.problems,
            }),
            Err(_) => json!({ "in_sync": false }),
        };
        value["error"] = error.map_or(Value::Null, |error| error_json(error, place));
        (family.nft_name().to_owned(), value)
    };
    json!({
        "in_sync": look.in_sync(),
        "generation": look.generation,
        "families": look.families.iter().map(family).collect::<serde_json::Map<_, _>>(),
        "written": applied.is_some_and(|a| a.commits > 0),
        "commits": applied.map_or(0, |a| a.commits),
        "generation_after": applied.and_then(|a| a.generation),
        "took_ms": took_ms,
    })
}

/// The JSON of an error.
pub fn error_json(error: &BackendError, place: Place) -> Value {
    let manifest = advice::manifest(error, place);
    json!({
        "message": error.to_string(),
        "kind": error.kind(),
        "manifest": manifest,
        "detail": error,
    })
}

//! The one-shot commands: do it, print it, say it by the exit code.
mod screen;
mod tell;

pub use screen::{Screen, warn};
pub use tell::{probe, render};

use crate::advice;
use crate::config::Config;
use crate::exit;
use crate::host;
use crate::reconcile::Pass;
use crate::report;
use crate::switch::{Done, Switch};
use chainkeeper_contract::{BackendError, CanaryPolicy, Step};
use serde_json::json;
use tracing::debug;

/// `apply`.
pub fn apply(config: &Config, screen: Screen) -> u8 {
    if let Some(code) = nothing_kept(config, screen) {
        return code;
    }
    match open(config).and_then(|mut switch| Ok((switch.apply()?, switch))) {
        Err(error) => screen.fail(&error),
        Ok((Done { pass, other }, switch)) => {
            let swept = || other.as_ref().map_or(String::new(), |p| swept(&switch, p));
            let text = || report::applied(&pass) + &lines(report::state(&pass.look)) + &swept();
            screen.result(text, || context(config, &switch, pass_json(&pass), other.as_ref()));
            warnings(config, &switch, &pass);
            families(&pass, if problems(&pass) { exit::FAILED } else { exit::FINE })
        }
    }
}

/// `diff`. `apply` is the command that would do it.
pub fn diff(config: &Config, validate: bool, apply: &str, screen: Screen) -> u8 {
    if let Some(code) = nothing_kept(config, screen) {
        return code;
    }
    let look = open(config).and_then(|mut switch| {
        // A canary alone is never drift: it is shown as pending, though `apply` would write it.
        let look = switch.look(CanaryPolicy::Report)?;
        let quiet = look.families.values().flatten().all(|d| d.steps.is_empty());
        let pass = match (quiet, validate) {
            (false, true) => switch.validate()?,
            (false, false) => Pass::of(switch.look(CanaryPolicy::Write)?),
            (true, _) => Pass::of(look),
        };
        Ok((pass, switch))
    });
    match look {
        Err(error) => screen.fail(&error),
        Ok((pass, switch)) => {
            let accepted = if validate { accepted(&pass) } else { "" };
            let text = || report::diff(&pass.look, apply) + accepted;
            let json = || report::json(&pass.look, pass.applied.as_ref(), None);
            screen.result(text, || context(config, &switch, json(), None));
            warnings(config, &switch, &pass);
            families(&pass, if pass.look.in_sync() { exit::FINE } else { exit::DIFFERS })
        }
    }
}

fn accepted(pass: &Pass) -> &'static str {
    let asked = pass.applied.as_ref().is_some_and(|a| !a.families.is_empty());
    let refused = pass.look.families.keys().any(|f| pass.error(*f).is_some());
    match (asked, refused) {
        (_, true) => "It would be refused, or could not be asked about; see the error.\n",
        (true, false) => "The kernel would take it (asked by a batch that was rolled back).\n",
        (false, false) => "",
    }
}

/// `remove`. `remove` is the command that would do what a dry run shows.
pub fn remove(config: &Config, force: bool, dry_run: bool, remove: &str, screen: Screen) -> u8 {
    if let Some(code) = nothing_kept(config, screen) {
        return code;
    }
    let switch = open(config);
    if dry_run {
        return match switch.and_then(|mut s| Ok((s.look_for_removal(force)?, s))) {
            Err(error) => screen.fail(&error),
            Ok(((look, other), switch)) => {
                let other = other.map(Pass::of);
                let there = || {
                    other.as_ref().map_or(String::new(), |p| {
                        format!(
                            "in {}\n{}",
                            switch.choice().kind.other(),
                            report::diff(&p.look, remove)
                        )
                    })
                };
                let json =
                    || context(config, &switch, report::json(&look, None, None), other.as_ref());
                screen.result(|| report::diff(&look, remove) + &there(), json);
                families(&Pass::of(look), exit::FINE)
            }
        };
    }
    match switch.and_then(|mut s| Ok((s.remove(force)?, s))) {
        Err(error) => screen.fail(&error),
        Ok((Done { pass, other }, switch)) => {
            let there = || other.as_ref().map_or(String::new(), |p| swept(&switch, p));
            let json = || context(config, &switch, pass_json(&pass), other.as_ref());
            screen.result(|| report::removal(&pass) + &there(), json);
            let wrong = problems(&pass) || other.iter().any(|p| problems(p) || !p.is_well());
            families(&pass, if wrong { exit::FAILED } else { exit::FINE })
        }
    }
}

/// Opens the backend that this host uses, or the one that was asked for.
fn open(config: &Config) -> Result<Switch, BackendError> {
    let switch = Switch::open(config)?;
    debug!("{}", switch.choice());
    Ok(switch)
}

/// Says what goes against the choice of the backend; and what the dialect of the rules means, where rules
/// are written or would be.
fn warnings(config: &Config, switch: &Switch, pass: &Pass) {
    switch.choice().warnings.iter().for_each(|w| warn(&format!("warning: {w}")));
    let mut steps = pass.look.families.values().flatten().flat_map(|delta| &delta.steps);
    let rules = |s: &Step| matches!(s, Step::Rewrite { .. } | Step::Insert { .. });
    if steps.any(rules)
        && let Some(screen) = advice::dialect(config.dialect)
    {
        warn(screen);
    }
}

fn problems(pass: &Pass) -> bool {
    pass.look.families.values().flatten().any(|d| !d.problems.is_empty())
}

/// What was taken out of the other backend, and what could not be.
fn swept(switch: &Switch, pass: &Pass) -> String {
    pass.errors().for_each(|e| warn(&advice::screen(e, host::privileges())));
    format!("in {}\n{}", switch.choice().kind.other(), report::removal(pass))
}

/// `make-iptables-util-chains = false`: nothing is made, looked at or removed.
fn nothing_kept(config: &Config, screen: Screen) -> Option<u8> {
    (!config.make_chains).then(|| {
        let text = "nothing is kept and nothing removed: make-iptables-util-chains is false";
        screen.result(|| format!("{text}\n"), || json!({ "in_sync": true, "note": text }));
        exit::FINE
    })
}

fn pass_json(pass: &Pass) -> serde_json::Value {
    let took = pass.took.as_secs_f64() * 1e3;
    report::json(&pass.look, pass.applied.as_ref(), Some(took))
}

/// Nothing else tells a program which backend it was, or that iptables-nft cannot read the rules.
fn context(
    config: &Config,
    switch: &Switch,
    mut value: serde_json::Value,
    other: Option<&Pass>,
) -> serde_json::Value {
    value["backend"] = json!(switch.choice());
    value["dialect"] = json!(config.dialect);
    value["other_backend"] = other.map_or(serde_json::Value::Null, pass_json);
    value
}

fn lines(text: String) -> String {
    if text.is_empty() { text } else { text + "\n" }
}

/// The exit code when some families failed; prints their errors.
fn families(pass: &Pass, well: u8) -> u8 {
    let errors: Vec<_> = pass.look.families.keys().filter_map(|f| pass.error(*f)).collect();
    for error in &errors {
        warn(&advice::screen(error, host::privileges()));
    }
    match errors.first() {
        None => well,
        Some(_) if errors.len() < pass.look.families.len() => exit::ONE_FAMILY,
        Some(first) => advice::exit_code(first),
    }
}

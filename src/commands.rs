//! The one-shot commands: do it, print it, say it by the exit code.
mod check;
mod config;
mod report_file;
mod screen;
mod service;
mod tell;

pub use check::check;
pub use config::{check_config, config_error, show_config};
pub use report_file::report;
pub use screen::{Screen, warn};
pub use service::{events, live, pause, resume, status};
pub use tell::{probe, render};

use crate::advice;
use crate::backends::Kind;
use crate::config::Config;
use crate::exit;
use crate::host::{self, Surroundings};
use crate::reconcile::Pass;
use crate::report;
use crate::switch::{Passes, Switch};
use chainkeeper_contract::{BackendError, CanaryPolicy, Step};
use serde_json::json;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tracing::debug;

/// `apply`.
pub fn apply(config: &Config, wait: Option<Duration>, screen: Screen) -> u8 {
    if let Some(code) = nothing_kept(config, screen) {
        return code;
    }
    let once = || open(config).and_then(|mut switch| Ok((switch.apply()?, switch)));
    let placed = |done: &Result<(Passes, Switch), BackendError>| {
        done.as_ref().is_ok_and(|(done, _)| done.pass.is_well())
    };
    match again(wait, once, placed) {
        Err(error) => screen.fail(&error),
        Ok((done, switch)) => {
            let pass = &done.pass;
            let text = || {
                report::applied(pass) + &report::state_screen(&pass.look) + &swept(&switch, &done)
            };
            screen.result(text, || context(config, &switch, pass_json(pass), done.swept()));
            warnings(config, &switch, pass);
            let wrong = pass.look.has_problems() | other_failed(&done);
            families(pass, if wrong { exit::FAILED } else { exit::FINE })
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
        let other = switch.look_at_leftovers()?.map(Pass::of);
        Ok((pass, other, switch))
    });
    match look {
        Err(error) => screen.fail(&error),
        Ok((mut pass, other, switch)) => {
            let accepted =
                if validate { accepted(&mut pass, switch.choice().kind) } else { "".into() };
            let there = || would_go(&switch, other.as_ref(), apply);
            let text = || report::diff(&pass.look, apply) + &there() + &accepted;
            let json = || report::json(&pass.look, pass.applied.as_ref(), None, host::place());
            screen.result(text, || context(config, &switch, json(), other.as_ref()));
            warnings(config, &switch, &pass);
            let sweeps = other.iter().flat_map(|p| p.look.families.values().flatten());
            let idle = pass.look.in_sync() && sweeps.into_iter().all(|d| d.steps.is_empty());
            families(&pass, if idle { exit::FINE } else { exit::DIFFERS })
        }
    }
}

/// What would go from the other backend.
fn would_go(switch: &Switch, other: Option<&Pass>, by: &str) -> String {
    let text = |p: &Pass| {
        format!("in {}\n{}", switch.choice().kind.other(), report::removal_diff(&p.look, by))
    };
    other.map_or(String::new(), text)
}

/// The answer to `--validate`, in words. A question that was not asked is no error.
fn accepted(pass: &mut Pass, kind: Kind) -> String {
    let not_asked = pass.errors().find_map(|error| {
        let BackendError::NotAsked { words, .. } = error else { return None };
        Some(words.clone())
    });
    if let Some(words) = not_asked {
        pass.applied = None;
        return format!("Not asked: {words}.\n");
    }
    let asked = pass.applied.as_ref().is_some_and(|a| !a.families.is_empty());
    match (asked, pass.is_well(), kind) {
        (_, false, _) => "It would be refused; see the error.\n".into(),
        (true, true, Kind::Nft) => {
            "The kernel would take it (asked by a batch that was rolled back).\n".into()
        }
        (true, true, Kind::Legacy) => {
            "iptables-restore --test takes it; the kernel itself is asked only by `apply`.\n".into()
        }
        (false, true, _) => String::new(),
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
                let there = || would_go(&switch, other.as_ref(), remove);
                let json = || {
                    context(
                        config,
                        &switch,
                        report::json(&look, None, None, host::place()),
                        other.as_ref(),
                    )
                };
                screen.result(|| report::removal_diff(&look, remove) + &there(), json);
                families(&Pass::of(look), exit::FINE)
            }
        };
    }
    match switch.and_then(|mut s| Ok((s.remove(force)?, s))) {
        Err(error) => screen.fail(&error),
        Ok((done, switch)) => {
            let pass = &done.pass;
            let json = || context(config, &switch, pass_json(pass), done.swept());
            screen.result(|| report::removal(pass) + &swept(&switch, &done), json);
            let wrong = pass.look.has_problems() | other_failed(&done);
            families(pass, if wrong { exit::FAILED } else { exit::FINE })
        }
    }
}

/// Does it again, with growing pauses, until it is well or the time is up.
fn again<T>(wait: Option<Duration>, mut once: impl FnMut() -> T, well: impl Fn(&T) -> bool) -> T {
    let until = Instant::now().checked_add(wait.unwrap_or_default());
    let mut pause = Duration::from_millis(50);
    loop {
        let done = once();
        let left = until.map_or(Duration::MAX, |u| u.saturating_duration_since(Instant::now()));
        if well(&done) || left.is_zero() {
            return done;
        }
        sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_secs(1));
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

/// What was taken out of the other backend.
fn swept(switch: &Switch, done: &Passes) -> String {
    let text = |p: &Pass| format!("in {}\n{}", switch.choice().kind.other(), report::removal(p));
    done.swept().map_or(String::new(), text)
}

/// Says why something of ours is left in the other backend.
fn other_failed(done: &Passes) -> bool {
    done.other_errors().for_each(|e| warn(&advice::screen(e, host::place())));
    done.other_errors().next().is_some() || done.swept().is_some_and(|p| p.look.has_problems())
}

/// `make-iptables-util-chains = false`: nothing is made, looked at or removed.
fn nothing_kept(config: &Config, screen: Screen) -> Option<u8> {
    (!config.make_chains).then(|| {
        let text = "nothing is kept and nothing removed: make-iptables-util-chains is false";
        screen.result(|| format!("{text}\n"), || json!({ "in_sync": true, "note": text }));
        exit::FINE
    })
}

/// The container that this is in.
fn surroundings(config: &Config) -> Option<Surroundings> {
    host::surroundings(config.socket.as_deref(), config.state_file.as_deref())
}

fn pass_json(pass: &Pass) -> serde_json::Value {
    let took = pass.took.as_secs_f64() * 1e3;
    report::json(&pass.look, pass.applied.as_ref(), Some(took), host::place())
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

/// The exit code when some families failed; prints their errors.
fn families(pass: &Pass, well: u8) -> u8 {
    let errors: Vec<_> = pass.errors().collect();
    for error in &errors {
        warn(&advice::screen(error, host::place()));
    }
    match errors.first() {
        None => well,
        Some(_) if errors.len() < pass.look.families.len() => exit::ONE_FAMILY,
        Some(first) => advice::exit_code(first),
    }
}

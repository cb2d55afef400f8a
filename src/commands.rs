//! The one-shot commands: do it, print it, say it by the exit code.
use crate::advice;
use crate::cli::{Output, RenderFormat};
use crate::config::{Config, Dialect};
use crate::exit;
use crate::host;
use crate::memory::Memory;
use crate::policy::{Sighted, policy};
use crate::probe::gather::{Gatherer, remembered};
use crate::reconcile::Pass;
use crate::report;
use crate::switch::{Done, Switch, chosen};
use chainkeeper_contract::{BackendError, CanaryPolicy, Step, text};
use serde_json::json;
use std::io::Write as _;
use tracing::debug;

/// Where results and errors go, and in what form.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Text or JSON.
    pub output: Output,
}

impl Screen {
    fn result(self, text: impl FnOnce() -> String, json: impl FnOnce() -> serde_json::Value) {
        match self.output {
            Output::Text => print(&text()),
            Output::Json => print(&format!("{:#}\n", json())),
        }
    }

    /// Prints an error with cause and way out, and returns its exit code.
    pub fn fail(self, error: &BackendError) -> u8 {
        if self.output == Output::Json {
            print(&format!("{:#}\n", json!({ "error": report::error_json(error) })));
        }
        warn(&advice::screen(error, host::privileges()));
        advice::exit_code(error)
    }
}

/// Writes a result. A reader that has gone (`| head`) is no error, a full disk is.
fn print(text: &str) {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            warn(&format!(
                "error: cannot write the result: {error}\n  do    `chainkeeper diff` tells what was done"
            ));
            std::process::exit(exit::FAILED.into());
        }
        Ok(()) | Err(_) => {}
    }
}

/// Writes to standard error; there is nobody to tell if that fails.
pub fn warn(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

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
        (_, true) => "The kernel would refuse it; see the error.\n",
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

/// `probe`.
pub fn probe(config: &Config, screen: Screen) -> u8 {
    let memory = config.state_file.as_deref().map_or_else(Memory::none, Memory::at);
    let (state, complaint) = memory.load();
    if let Some(complaint) = complaint {
        warn(&format!("warning: {complaint}"));
    }
    let known = remembered(&state, memory.path());
    let (facts, verdict) = Gatherer::new(config).everything(&state, known);
    match chosen(verdict) {
        Ok(choice) => {
            screen.result(
                || report::probe(&choice, &facts),
                || report::probe_json(Ok(&choice), &facts),
            );
            exit::FINE
        }
        Err(error) => {
            screen.result(|| report::evidence(&facts), || report::probe_json(Err(&error), &facts));
            warn(&advice::screen(&error, host::privileges()));
            advice::exit_code(&error)
        }
    }
}

/// `render`.
pub fn render(config: &Config, format: RenderFormat, kube_proxy: bool, screen: Screen) -> u8 {
    let sets: Vec<_> = config
        .families
        .iter()
        .map(|f| policy(config, Sighted { kube_proxy, ..Sighted::default() }, *f))
        .collect();
    match (format, screen.output) {
        (RenderFormat::IptablesSave, Output::Text) => {
            for set in &sets {
                let written = match config.dialect {
                    Dialect::Xt => "",
                    Dialect::Native => " (by meaning; written in expressions of nf_tables itself)",
                };
                print(&format!("# {}{written}\n{}", set.family, text::save(set)));
            }
        }
        (RenderFormat::Json, _) | (_, Output::Json) => {
            print(&format!("{:#}\n", json!({ "families": sets })));
        }
    }
    exit::FINE
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

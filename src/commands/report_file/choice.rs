//! Which backend, and what there is to do in it.
use crate::advice;
use crate::cli::ReportArgs;
use crate::commands::surroundings;
use crate::config::Config;
use crate::host;
use crate::memory::Memory;
use crate::probe::gather::{Gatherer, remembered};
use crate::report;
use crate::switch::{Switch, chosen};
use chainkeeper_contract::{BackendError, CanaryPolicy};

/// As `probe` says it.
pub(super) fn backend(config: &Config, _: &ReportArgs) -> Result<String, String> {
    let memory = config.state_file.as_deref().map_or_else(Memory::none, Memory::at);
    let (state, complaint) = memory.load();
    let known = remembered(&state, memory.path());
    let (facts, conclusion) = Gatherer::new(config).everything(&state, known);
    let around = surroundings(config);
    let around = around.as_ref();
    let said = match chosen(conclusion) {
        Ok(choice) => report::probe(&choice, &facts, around),
        Err(error) => report::no_backend(&error, &facts, around) + &screen(&error) + "\n",
    };
    Ok(said + &complaint.map_or(String::new(), |complaint| format!("warning: {complaint}\n")))
}

/// As `diff` says it, and what could not be read.
pub(super) fn difference(config: &Config, _: &ReportArgs) -> Result<String, String> {
    let look = Switch::open(config).and_then(|mut s| s.look(CanaryPolicy::Report));
    let look = look.map_err(|error| screen(&error))?;
    let errors = look.families.values().filter_map(|outcome| outcome.as_ref().err());
    let errors: String = errors.map(|error| screen(error) + "\n").collect();
    Ok(report::diff(&look, "chainkeeper apply") + &errors)
}

pub(super) fn screen(error: &BackendError) -> String {
    advice::screen(error, host::place())
}

//! The commands that only tell: which backend, and which chains.
use super::screen::{Screen, print, print_json, warn};
use super::surroundings;
use crate::advice;
use crate::cli::{Output, RenderFormat};
use crate::config::{Config, Dialect};
use crate::exit;
use crate::host;
use crate::memory::Memory;
use crate::policy::{Circumstances, policy};
use crate::probe::gather::{Gatherer, remembered};
use crate::report;
use crate::switch::chosen;
use chainkeeper_contract::text;
use serde_json::json;

/// `probe`.
pub fn probe(config: &Config, screen: Screen) -> u8 {
    let memory = config.state_file.as_deref().map_or_else(Memory::none, Memory::at);
    let (state, complaint) = memory.load();
    if let Some(complaint) = complaint {
        warn(&format!("warning: {complaint}"));
    }
    let known = remembered(&state, memory.path());
    let (facts, conclusion) = Gatherer::new(config).everything(&state, known);
    let place = host::place();
    let around = surroundings(config);
    let around = around.as_ref();
    match chosen(conclusion) {
        Ok(choice) => {
            screen.result(
                || report::probe(&choice, &facts, around),
                || report::probe_json(Ok(&choice), &facts, place, around),
            );
            exit::FINE
        }
        Err(error) => {
            screen.result(
                || report::no_backend(&error, &facts, around),
                || report::probe_json(Err(&error), &facts, place, around),
            );
            warn(&advice::screen(&error, place));
            advice::exit_code(&error)
        }
    }
}

/// `render`.
pub fn render(config: &Config, format: RenderFormat, kube_proxy: bool, screen: Screen) -> u8 {
    let sets: Vec<_> = config
        .families
        .iter()
        .map(|f| policy(config, Circumstances { kube_proxy, ..Circumstances::default() }, *f))
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
            print_json(&json!({ "families": sets }));
        }
    }
    exit::FINE
}

//! `config`: whether the settings can be used, what they come to, and where each was set.
use super::screen::{Screen, warn};
use crate::cli::Output;
use crate::config::{ConfigError, Loaded, Origin};
use crate::exit;
use serde_json::json;
use std::fmt::Write as _;

/// Column of the origins.
const ORIGIN: usize = 46;

/// What is wrong with the settings.
pub fn config_error(error: &ConfigError, screen: Screen) -> u8 {
    if screen.output == Output::Json {
        let error = json!({ "message": error.what, "do": error.remedy });
        screen.result(String::new, || json!({ "ok": false, "error": error }));
    }
    warn(&format!("error: {error}\n  do    {}", error.remedy));
    exit::USAGE
}

/// `config check`.
pub fn check_config(loaded: &Loaded, screen: Screen) -> u8 {
    let set = loaded.layers.0.values().filter(|(_, origin)| *origin != Origin::Default).count();
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    let text = || {
        let file = file.as_deref().map_or("no file".into(), |file| format!("file {file}"));
        let mut out = format!("ok: {file}, {}\n", crate::damage::plural(set, "setting"));
        loaded.notes.iter().for_each(|note| out += &format!("note: {note}\n"));
        out
    };
    screen.result(text, || json!({ "ok": true, "file": file, "set": set, "notes": loaded.notes }));
    exit::FINE
}

/// `config show`: as it could stand in a file.
pub fn show_config(loaded: &Loaded, screen: Screen) -> u8 {
    screen.result(|| config_text(loaded), || config_json(loaded));
    exit::FINE
}

/// As it could stand in a file.
pub(super) fn config_text(loaded: &Loaded) -> String {
    let mut out = String::new();
    let file = loaded.file.iter().map(|file| format!("# file: {}\n", file.display()));
    out.extend(file);
    for (key, (value, origin)) in &loaded.layers.0 {
        let line = format!("{key} = {value}");
        let _ = writeln!(out, "{line:ORIGIN$} # {}", short(origin));
    }
    loaded.notes.iter().for_each(|note| out += &format!("# note: {note}\n"));
    out
}

fn config_json(loaded: &Loaded) -> serde_json::Value {
    let one = |(key, (value, origin)): (&String, &(toml::Value, Origin))| {
        (key.clone(), json!({ "value": value, "from": origin.to_string() }))
    };
    let settings: serde_json::Map<_, _> = loaded.layers.0.iter().map(one).collect();
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    json!({ "settings": settings, "file": file, "notes": loaded.notes })
}

/// The file is named once.
fn short(origin: &Origin) -> String {
    match origin {
        Origin::File(_, line) => format!("line {line}"),
        Origin::Kubelet(_) => "kubelet".into(),
        Origin::Default | Origin::Environment(_) | Origin::Flag(_) => origin.to_string(),
    }
}

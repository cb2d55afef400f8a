//! Any text as a file of settings, and as an environment: no panic; an error says where, and prints as one line of
//! plain text; what was understood is understood again as it is printed.
#![no_main]
use chainkeeper::config::{Settings, Sources, parse};
use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;

fuzz_target!(|text: &str| {
    file(text);
    environment(text);
});

fn file(text: &str) {
    match parse("FILE", text) {
        Ok(settings) => {
            let printed = toml::to_string(&settings).expect("settings can be printed");
            assert_eq!(parse("FILE", &printed).as_ref(), Ok(&settings), "{printed}");
            // A file that it names would be read.
            let flags = Settings { kubelet_config: None, ..settings };
            load(Sources { flags, ..nothing() }, &["--", ""]);
        }
        Err(error) => {
            let rest = error.what.strip_prefix("config FILE line ").expect("a place");
            let line: usize = rest.split(':').next().and_then(|n| n.parse().ok()).expect("a line");
            assert!((1..=text.matches('\n').count() + 1).contains(&line), "{}", error.what);
            plain(&error.what, &error.remedy);
        }
    }
}

/// Each line a variable.
fn environment(text: &str) {
    let variable = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let set = !name.is_empty() && name != "CONFIG" && name != "KUBELET_CONFIG" && !value.contains('\0');
        set.then(|| (OsString::from(format!("CHAINKEEPER_{name}")), OsString::from(value)))
    };
    let environment: Vec<_> = text.split('\n').filter_map(variable).collect();
    load(Sources { environment, ..nothing() }, &["CHAINKEEPER_"]);
}

fn nothing() -> Sources {
    Sources { file: Some("none".into()), ..Sources::default() }
}

fn load(sources: Sources, named: &[&str]) {
    match sources.load() {
        Ok(loaded) => assert!(loaded.layers.0.len() >= 20, "every setting has a value"),
        Err(error) => {
            assert!(named.iter().any(|name| error.what.contains(name)), "{}", error.what);
            plain(&error.what, &error.remedy);
        }
    }
}

/// Nothing in it moves a cursor or begins a line.
fn plain(what: &str, remedy: &str) {
    assert!(!what.is_empty() && !remedy.is_empty(), "{what:?} {remedy:?}");
    assert!(!what.contains(char::is_control) && !remedy.contains(char::is_control), "{what:?} {remedy:?}");
}

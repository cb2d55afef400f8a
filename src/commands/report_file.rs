//! `report`: one file with all that somebody who is to help has to know. Changes nothing on the host; what
//! fails is said where it belongs, and the rest goes on.
mod chains;
mod choice;
mod hide;
mod host;
mod section;
mod service;

use super::config::config_text;
use super::screen::{Screen, print};
use crate::cli::{Output, ReportArgs};
use crate::config::{Config, ConfigError, Loaded, Settings, Sources};
use crate::exit;
use hide::Hide;
use section::{Section, section};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// `report`. Where the settings cannot be used, the rest is asked with the defaults.
pub fn report(
    loaded: &Result<Loaded, ConfigError>,
    sources: &Sources,
    args: &ReportArgs,
    screen: Screen,
) -> u8 {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let named = || format!("chainkeeper-report-{}.txt", now.replace(':', "-"));
    let path = args.file.clone().unwrap_or_else(|| PathBuf::from(named()));
    let mut file = match (path.as_os_str() == "-", screen.output) {
        (true, Output::Text) => None,
        (true, Output::Json) => {
            screen.complain("`-` and --output json both want standard output", "", "name a file");
            return exit::USAGE;
        }
        // Before anything is asked: who waits for it learns at once that it cannot be written.
        (false, _) => match create(&path) {
            Ok(file) => Some(file),
            Err(error) => return not_created(&path, &error, screen),
        },
    };
    let sections = sections(loaded, sources, args);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let text = page(&now, &sections, &Hide::new(&host, args));
    let Some(file) = &mut file else {
        print(&text);
        return exit::FINE;
    };
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // Half of it would look like all of it.
        let _ = std::fs::remove_file(&path);
        let what = format!("cannot write {}: {error}", path.display());
        screen.complain(&what, "", "name another file");
        return exit::FAILED;
    }
    let shown = path.display().to_string();
    let failed: Vec<&str> =
        sections.iter().filter(|s| s.body.is_err()).map(|section| section.title).collect();
    let said = || {
        let failed = match failed.is_empty() {
            true => String::new(),
            false => format!("without an answer, and the file says why: {}\n", failed.join(", ")),
        };
        format!(
            "{shown}: {} sections, {} bytes\n{failed}Read it before you send it.\n",
            sections.len(),
            text.len()
        )
    };
    let one = |s: &Section| json!({ "title": s.title, "ok": s.body.is_ok() });
    let all: Vec<_> = sections.iter().map(one).collect();
    screen.result(said, || json!({ "path": shown, "bytes": text.len(), "sections": all }));
    exit::FINE
}

/// A new file of our own; nothing is overwritten, and no link is followed.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn not_created(path: &Path, error: &io::Error, screen: Screen) -> u8 {
    let (remedy, code) = if error.kind() == io::ErrorKind::AlreadyExists {
        ("nothing is overwritten: name another file", exit::USAGE)
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        ("name a file in a folder that you may write to, or `-`", exit::DENIED)
    } else {
        ("name another file, or `-`", exit::FAILED)
    };
    screen.complain(&format!("cannot create {}: {error}", path.display()), "", remedy);
    code
}

fn sections(
    loaded: &Result<Loaded, ConfigError>,
    sources: &Sources,
    args: &ReportArgs,
) -> Vec<Section> {
    let settings = match loaded {
        Ok(loaded) => Ok(config_text(loaded)),
        Err(error) => Err(format!("{error}\n  do    {}\nbelow, the defaults count", error.remedy)),
    };
    let config = match loaded {
        Ok(loaded) => Ok(loaded.config.clone()),
        Err(_) => defaults(sources),
    };
    let mut sections = vec![
        section("versions", host::versions),
        section("rights", host::rights),
        Section { title: "configuration", body: settings },
    ];
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            sections.push(Section { title: "all else", body: Err(error.to_string()) });
            return sections;
        }
    };
    let with = |work: fn(&Config, &ReportArgs) -> Result<String, String>| {
        let (config, args) = (config.clone(), args.clone());
        move || work(&config, &args)
    };
    sections.extend([
        section("backend", with(choice::backend)),
        section("status", with(service::status)),
        section("events of the last 24 hours", with(service::events)),
        section("last warnings in the journal", host::journal),
        section("our chains", with(chains::ours)),
        section("difference", with(choice::difference)),
        section("rules by chain", with(chains::others)),
        section("kernel settings", host::sysctls),
    ]);
    sections
}

/// What counts without the file, the environment and the flags that cannot be used.
fn defaults(sources: &Sources) -> Result<Config, ConfigError> {
    let (file, netns) = (Some("none".into()), sources.netns.clone());
    let bare = Sources { file, netns, environment: vec![], flags: Settings::default() };
    bare.load().map(|loaded| loaded.config)
}

fn page(now: &str, sections: &[Section], hide: &Hide) -> String {
    let mut out = format!("chainkeeper report of {now}\n{}\n", hide.says());
    for Section { title, body } in sections {
        let body = match body {
            Ok(text) if text.trim().is_empty() => "(nothing)".into(),
            Ok(text) => hide.clean(text),
            Err(why) => format!("no answer: {}", hide.clean(why)),
        };
        out += &format!("\n== {title}\n\n{}\n", body.trim_end());
    }
    out
}

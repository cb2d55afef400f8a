//! The commands that ask the running service.
use super::again;
use super::check::status as ask_status;
use super::screen::{Screen, print, print_json_line, warn};
use super::surroundings;
use crate::advice;
use crate::cli::Output;
use crate::config::Config;
use crate::control::{Answer, Request, ask, ask_once};
use crate::culprit::Culprit;
use crate::exit;
use crate::host;
use crate::report;
use crate::status::Status;
use serde_json::json;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `status`. Without a service it says so, and how the host is.
pub fn status(config: &Config, screen: Screen) -> u8 {
    match ask_status(config) {
        Some(status) => {
            screen.result(
                || report::status(&status),
                || json!({ "running": true, "status": status }),
            );
            if status.in_sync() { exit::FINE } else { exit::DIFFERS }
        }
        None => {
            if screen.output == Output::Text {
                print(&report::absent(config.socket.as_deref()));
            }
            warn_container(config);
            super::check(config, None, screen)
        }
    }
}

/// `check --live`.
pub fn live(config: &Config, wait: Option<Duration>, screen: Screen) -> u8 {
    let works = |status: &Option<Status>| status.as_ref().is_some_and(Status::works);
    let status = again(wait, || ask_status(config), works);
    let alive = works(&status);
    screen.result(
        || status.as_ref().map_or_else(|| report::absent(config.socket.as_deref()), report::live),
        || json!({ "live": alive }),
    );
    if alive { exit::FINE } else { exit::DIFFERS }
}

/// `events`.
pub fn events(config: &Config, since: Duration, follow: bool, screen: Screen) -> u8 {
    let Some(path) = socket(config, screen) else { return exit::USAGE };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_ms = u64::try_from(now.saturating_sub(since).as_millis()).unwrap_or(u64::MAX);
    let request = Request::Events { since_ms, follow };
    let answers = match ask(path, &request) {
        Ok(answers) => answers,
        Err(error) => return no_answer(config, path, &error, screen),
    };
    let (mut none, mut elsewhere, mut refusal) = (true, false, None);
    for answer in answers {
        match answer {
            Ok(Answer::Event(event)) => {
                none = false;
                // It went on.
                if let Some(why) = refusal.take() {
                    warn(&format!("note: {why}"));
                }
                let mut culprits = event.by().iter().flat_map(|by| &by.any_of);
                if !elsewhere && culprits.any(Culprit::is_elsewhere) {
                    elsewhere = true;
                    note_no_processes();
                }
                match screen.output {
                    Output::Text => print(&report::event_screen(&event, &clock(event.at_ms))),
                    Output::Json => print_json_line(&json!(event)),
                }
            }
            Ok(Answer::Error(why)) => refusal = Some(why),
            Ok(Answer::Status(_) | Answer::Done(_)) => {}
            Err(error) => return no_answer(config, path, &error, screen),
        }
    }
    if let Some(why) = refusal {
        return refused(&why, screen);
    }
    if none && screen.output == Output::Text {
        print(&format!("nothing happened since {}\n", clock(since_ms)));
    }
    exit::FINE
}

/// `pause`.
pub fn pause(config: &Config, length: Duration, screen: Screen) -> u8 {
    let for_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let said = format!(
        "paused for {}: nothing is written; `chainkeeper resume` ends it\n",
        report::length(for_ms)
    );
    tell(config, &Request::Pause { for_ms }, screen, |_| said.clone())
}

/// `resume`.
pub fn resume(config: &Config, screen: Screen) -> u8 {
    let said = |was| if was { "resumed\n".into() } else { "it was not paused\n".into() };
    tell(config, &Request::Resume {}, screen, said)
}

fn tell(config: &Config, request: &Request, screen: Screen, said: impl Fn(bool) -> String) -> u8 {
    let Some(path) = socket(config, screen) else { return exit::USAGE };
    match ask_once(path, request) {
        Ok(Answer::Done(changed)) => {
            screen.result(|| said(changed), || json!({ "changed": changed }));
            exit::FINE
        }
        Ok(Answer::Error(why)) => refused(&why, screen),
        Ok(Answer::Status(_) | Answer::Event(_)) => {
            no_answer(config, path, &io::ErrorKind::InvalidData.into(), screen)
        }
        Err(error) => no_answer(config, path, &error, screen),
    }
}

fn refused(why: &str, screen: Screen) -> u8 {
    let remedy = "end another `events --follow`, or give both the same version";
    screen.complain("the service refuses the question", why, remedy);
    exit::FAILED
}

fn socket(config: &Config, screen: Screen) -> Option<&Path> {
    if config.socket.is_none() {
        let remedy = "give --socket the path that `run` was given";
        screen.complain("there is no socket to ask at", "socket is `none`", remedy);
    }
    config.socket.as_deref()
}

fn no_answer(config: &Config, path: &Path, error: &io::Error, screen: Screen) -> u8 {
    let absent =
        [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&error.kind());
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let (why, remedy) = match (absent, denied) {
        (true, _) => {
            let why = "no service is running, or it was given another --socket";
            (why, "`systemctl start chainkeeper`, or without systemd `chainkeeper run`")
        }
        (_, true) => ("the socket is for root and the user of the service", "run it as that user"),
        (false, false) => ("the service ended or is stuck", "look at its journal"),
    };
    let what = format!("cannot ask the service at {}: {error}", path.display());
    screen.complain(&what, why, remedy);
    if absent {
        warn_container(config);
    }
    if denied { exit::DENIED } else { exit::FAILED }
}

/// Why there may be no socket: a container without a place for it.
fn warn_container(config: &Config) {
    for doubt in surroundings(config).iter().flat_map(advice::doubts) {
        warn(&format!("warning: {}", advice::warning(&doubt)));
    }
}

/// Once is enough; outside of a container each line says why.
fn note_no_processes() {
    if host::place().container {
        warn(&format!("note: {}", advice::warning(&advice::NO_PROCESSES)));
    }
}

/// Local time of day would need a database of time zones; the date is what journals sort by.
fn clock(at_ms: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(at_ms);
    humantime::format_rfc3339_millis(at).to_string()
}

//! What a running service says.
use super::hide;
use crate::cli::ReportArgs;
use crate::config::Config;
use crate::control::{Answer, Request, ask, ask_once};
use crate::report;
use crate::safe;
use crate::story::{Event, Suspects, What};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How it is.
pub(super) fn status(config: &Config, args: &ReportArgs) -> Result<String, String> {
    let path = socket(config)?;
    match ask_once(path, &Request::Status {}).map_err(|e| no_service(path, &e))? {
        Answer::Status(mut status) => {
            // The screen breaks lines: rules of others are taken out before.
            if !args.with_foreign_rules {
                let texts = status.problems.iter_mut().chain(&mut status.errors);
                texts.for_each(|text| *text = hide::rules(text));
            }
            let errors = status.errors.iter().map(|e| format!("error: {}\n", safe::line(e)));
            Ok(report::status(&status) + &errors.collect::<String>())
        }
        Answer::Event(_) | Answer::Done(_) => Err("it answered something else".into()),
        Answer::Error(why) => Err(why),
    }
}

/// What happened.
pub(super) fn events(config: &Config, args: &ReportArgs) -> Result<String, String> {
    let path = socket(config)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_ms = u64::try_from(now.saturating_sub(DAY).as_millis()).unwrap_or_default();
    let request = Request::Events { since_ms, follow: false };
    let mut out = String::new();
    for answer in ask(path, &request).map_err(|e| no_service(path, &e))? {
        match answer {
            Ok(Answer::Event(mut event)) => {
                if !args.with_command_lines {
                    forget_commands(&mut event);
                }
                let at = UNIX_EPOCH + Duration::from_millis(event.at_ms);
                let time = humantime::format_rfc3339_millis(at).to_string();
                out += &report::event_screen(&event, &time);
                if let (true, What::Flows(flows)) = (args.with_addresses, &event.what) {
                    out.extend(flows.first.iter().map(|flow| format!("        {flow}\n")));
                }
            }
            Ok(Answer::Error(why)) => out += &format!("note: {why}\n"),
            Ok(Answer::Status(_) | Answer::Done(_)) => {}
            Err(error) => out += &format!("broke off: {error}\n"),
        }
    }
    Ok(out)
}

fn socket(config: &Config) -> Result<&Path, String> {
    config.socket.as_deref().ok_or_else(|| "socket is `none`: no service can be asked".into())
}

fn no_service(path: &Path, error: &std::io::Error) -> String {
    format!("no service answers at {}: {error}", path.display())
}

/// They may hold secrets.
fn forget_commands(event: &mut Event) {
    let by: &mut [Suspects] = match &mut event.what {
        What::Gap(gap) => &mut gap.by,
        What::Yielded { by, .. } => by,
        What::Flows(_) | What::Recovered { .. } | What::Paused { .. } | What::Resumed { .. } => {
            return;
        }
    };
    for process in by.iter_mut().flat_map(|s| &mut s.any_of).filter_map(|c| c.process.as_mut()) {
        process.command = None;
    }
}

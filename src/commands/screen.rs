//! Where words go: results to standard output, everything else to standard error.
use crate::advice;
use crate::cli::Output;
use crate::exit;
use crate::host;
use crate::report;
use crate::safe;
use chainkeeper_contract::BackendError;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _, stderr};

/// Where results and errors go, and in what form.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Text or JSON.
    pub output: Output,
}

impl Screen {
    pub(super) fn result(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) {
        match self.output {
            Output::Text => print(&text()),
            Output::Json => print_json(&json()),
        }
    }

    /// Prints an error that is no backend's. `why` may be empty: the message says it.
    pub fn complain(self, what: &str, why: &str, remedy: &str) {
        let cause = Some(why).filter(|why| !why.is_empty());
        if self.output == Output::Json {
            let error = json!({ "message": what, "why": cause, "do": remedy });
            print_json(&json!({ "error": error }));
        }
        let why = cause.map_or(String::new(), |why| format!("\n  why   {why}"));
        warn(&format!("error: {what}{why}\n  do    {remedy}"));
    }

    /// Prints an error with cause and way out, and returns its exit code.
    pub fn fail(self, error: &BackendError) -> u8 {
        let place = host::place();
        if self.output == Output::Json {
            let error = report::error_json(error, place);
            print_json(&json!({ "error": error }));
        }
        warn(&advice::screen(error, place));
        advice::exit_code(error)
    }
}

/// Writes a result. A reader that has gone (`| head`) is no error, a full disk is.
pub(super) fn print(text: &str) {
    put(&safe::coloured(text));
}

/// The same of a result for programs that is all there is.
pub(super) fn print_json(value: &Value) {
    put(&format!("{}\n", safe::json(&format!("{value:#}"))));
}

/// The same, one of many, each a line.
pub(super) fn print_json_line(value: &Value) {
    put(&format!("{}\n", safe::json(&value.to_string())));
}

fn put(text: &str) {
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
    // In a file each message is found by its words.
    let text = match stderr().is_terminal() {
        true => report::folded(text),
        false => safe::text(text),
    };
    let _ = writeln!(anstream::stderr(), "{text}");
}

//! Where words go: results to standard output, everything else to standard error.
use crate::advice;
use crate::cli::Output;
use crate::exit;
use crate::host;
use crate::report;
use chainkeeper_contract::BackendError;
use serde_json::json;
use std::io::Write as _;

/// Where results and errors go, and in what form.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Text or JSON.
    pub output: Output,
}

impl Screen {
    pub(super) fn result(
        self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> serde_json::Value,
    ) {
        match self.output {
            Output::Text => print(&text()),
            Output::Json => print(&format!("{:#}\n", json())),
        }
    }

    /// Prints an error with cause and way out, and returns its exit code.
    pub fn fail(self, error: &BackendError) -> u8 {
        let place = host::place();
        if self.output == Output::Json {
            let error = report::error_json(error, place);
            print(&format!("{:#}\n", json!({ "error": error })));
        }
        warn(&advice::screen(error, place));
        advice::exit_code(error)
    }
}

/// Writes a result. A reader that has gone (`| head`) is no error, a full disk is.
pub(super) fn print(text: &str) {
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

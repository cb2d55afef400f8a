//! The TOML file of settings. Messages name the line, and the key that was probably meant.
use super::{ConfigError, Settings};

/// Parses a TOML file of settings. `shown` is its name in messages.
pub fn parse(shown: &str, text: &str) -> Result<Settings, ConfigError> {
    toml::from_str(text).map_err(|e| {
        let before = e.span().and_then(|s| text.get(..s.start)).unwrap_or("");
        let at = format!("config {shown} line {}", before.matches('\n').count() + 1);
        let message = e.message();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        match quoted.split_first() {
            Some((unknown, known)) if message.starts_with("unknown field") => {
                let what = format!("{at}: unknown key `{unknown}`");
                ConfigError::new(what, suggestion(unknown, known))
            }
            _ => {
                let first = message.lines().next().unwrap_or(message);
                ConfigError::new(format!("{at}: {first}"), "see `chainkeeper --help` for values")
            }
        }
    })
}

fn suggestion(unknown: &str, known: &[&str]) -> String {
    let near = |k: &&&str| strsim::jaro_winkler(unknown, k);
    let best = known.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    match best.filter(|b| near(b) > 0.8) {
        Some(best) => format!("did you mean `{best}`?"),
        None => format!("known keys: {}", known.join(", ")),
    }
}

//! Settings from the environment: `CHAINKEEPER_SETTLE=1s`. Messages name the variable.
use super::file::nearest;
use super::settings::values;
use super::{ConfigError, Layers, Origin, Settings};
use clap::{Args as _, Command, FromArgMatches as _};
use std::ffi::{OsStr, OsString};

/// Variables begin with this; the rest is the key, in capitals and with `_`.
const PREFIX: &str = "CHAINKEEPER_";
/// The variable that stands for `--config`.
pub(super) const CONFIG: &str = "CHAINKEEPER_CONFIG";

/// All that is set there. What is empty is not set.
pub(super) fn layer(environment: &[(OsString, OsString)]) -> Result<Layers, ConfigError> {
    let mut layers = Layers::default();
    for (name, value) in environment {
        // Other names may be anything.
        let Some(name) = name.to_str().filter(|n| n.starts_with(PREFIX) && *n != CONFIG) else {
            continue;
        };
        if !value.is_empty() && !of_a_service(name) {
            layers = layers.over(one(name, value)?);
        }
    }
    Ok(layers)
}

/// Kubernetes tells each container of each service: of one called `chainkeeper` by variables that look
/// like ours.
fn of_a_service(name: &str) -> bool {
    name.ends_with("_PORT")
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
}

/// The same words as on the command line mean the same here.
fn one(name: &str, value: &OsStr) -> Result<Layers, ConfigError> {
    let key = name[PREFIX.len()..].to_ascii_lowercase().replace('_', "-");
    let command = Settings::augment_args(Command::new("environment"));
    let known: Vec<&str> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
    if !known.contains(&key.as_str()) {
        let variable =
            |key: &str| format!("{PREFIX}{}", key.to_ascii_uppercase().replace('-', "_"));
        let remedy = match nearest(&key, &known) {
            Some(near) => format!("did you mean `{}`?", variable(near)),
            None => "`chainkeeper config show` lists all keys".into(),
        };
        return Err(ConfigError::new(format!("unknown variable `{name}`"), remedy));
    }
    let mut word = OsString::from(format!("--{key}="));
    word.push(value);
    let matches = command.try_get_matches_from([OsStr::new("environment"), &word]);
    let settings = matches.and_then(|m| Settings::from_arg_matches(&m)).map_err(|_| {
        let what = format!("${name}: {key} cannot be {}", value.display());
        ConfigError::new(what, values(&key))
    })?;
    Layers::of(&settings, |_| Origin::Environment(name.to_owned()))
}

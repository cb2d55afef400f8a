//! Layers of settings: of each key the highest layer that has it counts, and it is known which that was.
use super::{ConfigError, Settings};
use crate::safe;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use toml::{Table, Value};

/// Where a setting came from; the last wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A kubelet's configuration file.
    Kubelet(PathBuf),
    /// The file of settings, and the line in it.
    File(PathBuf, usize),
    /// This variable of the environment.
    Environment(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Kubelet(file) => write!(f, "kubelet config {}", file.display()),
            Origin::File(file, line) => write!(f, "config {} line {line}", file.display()),
            Origin::Environment(name) => write!(f, "${name}"),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// Settings with their origins, by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layers(pub BTreeMap<String, (Value, Origin)>);

impl Layers {
    /// One layer.
    pub(super) fn of(
        settings: &Settings,
        origin: impl Fn(&str) -> Origin,
    ) -> Result<Layers, ConfigError> {
        let table = Table::try_from(settings).map_err(|why| {
            ConfigError::new(format!("a setting cannot be used: {why}"), "write it as UTF-8")
        })?;
        let with = |(key, value): (String, Value)| {
            let origin = origin(&key);
            (key, (value, origin))
        };
        Ok(Layers(table.into_iter().map(with).collect()))
    }

    /// This layer, and below it that one.
    pub(super) fn over(mut self, below: Layers) -> Layers {
        for (key, value) in below.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// The settings that count, without those that are only defaults.
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        let set = self.0.iter().filter(|(_, (_, origin))| *origin != Origin::Default);
        settings(set)
    }

    /// Every one.
    pub(super) fn all(&self) -> Result<Settings, ConfigError> {
        settings(self.0.iter())
    }

    /// Says of an error where the keys were set that it is about. A flag is in it by its name already.
    pub(super) fn place(&self, mut error: ConfigError) -> ConfigError {
        let set = error.keys.iter().filter_map(|key| Some((key, &self.0.get(*key)?.1)));
        let told = |origin: &Origin| !matches!(origin, Origin::Default | Origin::Flag(_));
        let set: Vec<_> = set.filter(|(_, origin)| told(origin)).collect();
        match &set[..] {
            [] => {}
            [(_, origin)] if error.keys.len() == 1 => {
                error.what = format!("{}: {}", safe::line(&origin.to_string()), error.what);
            }
            all => {
                let all: Vec<String> = all.iter().map(|(key, o)| format!("{key}: {o}")).collect();
                error.what = format!("{} ({})", error.what, safe::line(&all.join("; ")));
            }
        }
        error
    }
}

fn settings<'a>(
    set: impl Iterator<Item = (&'a String, &'a (Value, Origin))>,
) -> Result<Settings, ConfigError> {
    let table: Table = set.map(|(key, (value, _))| (key.clone(), value.clone())).collect();
    table.try_into().map_err(|e: toml::de::Error| {
        ConfigError::new(e.message(), "see `chainkeeper --help` for values")
    })
}

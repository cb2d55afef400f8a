//! All sources of settings, by rank: defaults, a kubelet's file, our file, the environment, flags.
use super::{
    Config, ConfigError, DEFAULT, Layers, Origin, Settings, environment, file, kubelet, places,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`; `none`: no file. Without it `$CHAINKEEPER_CONFIG`, else [`DEFAULT`] if it is there.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The command line.
    pub flags: Settings,
    /// The network namespace of `--netns`, in names of files: services in several must not meet in one.
    pub netns: Option<String>,
}

/// What they come to.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings, checked.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Every setting, and where it came from.
    pub layers: Layers,
    /// What there is to say.
    pub notes: Vec<String>,
}

impl Sources {
    /// Reads them all.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let flags = Layers::of(&self.flags, |key| Origin::Flag(format!("--{key}")))?;
        let mut layers = flags.over(environment::layer(&self.environment)?);
        let path = self.path();
        if let Some(path) = &path {
            layers = layers.over(file::layer(path)?);
        }
        let kubelet = layers.settings()?.kubelet_config.filter(|path| path.as_os_str() != "none");
        let (below, note) = kubelet.as_deref().map(kubelet::layer).transpose()?.unwrap_or_default();
        layers = layers.over(below);
        if let Some(name) = &self.netns {
            layers = layers.over(elsewhere(name)?);
        }
        let config = layers.settings()?.check().map_err(|error| layers.place(error))?;
        let layers = layers.over(Layers::of(&Settings::defaults(), |_| Origin::Default)?);
        let files = [path.as_deref(), kubelet.as_deref()].into_iter().flatten();
        let notes = files.filter_map(file::open_to_all).chain(note).collect();
        Ok(Loaded { config, file: path, layers, notes })
    }

    fn path(&self) -> Option<PathBuf> {
        let named = self.file.clone().or_else(|| {
            let set = self.environment.iter().find(|(name, _)| name == environment::CONFIG);
            set.map(|(_, value)| PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
        });
        match named {
            Some(none) if none.as_os_str() == "none" => None,
            Some(path) => Some(path),
            None => Some(PathBuf::from(DEFAULT)).filter(|path| is_there(path)),
        }
    }
}

/// The defaults that one host has once, for a namespace of that name.
fn elsewhere(name: &str) -> Result<Layers, ConfigError> {
    let socket = Some(places::socket().with_file_name(format!("chainkeeper-{name}.sock")));
    let state_file = Some(places::state_file().with_file_name(format!("state-{name}.json")));
    let settings = Settings { socket, state_file, ..Settings::default() };
    Layers::of(&settings, |_| Origin::Flag("--netns".into()))
}

/// What cannot be asked may be there.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

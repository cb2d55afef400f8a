//! All sources of settings, by rank: defaults, a kubelet's file, our file, the environment, flags.
use super::{Config, ConfigError, DEFAULT, Layers, Origin, Settings, environment, file, kubelet};
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
        let config = layers.settings()?.check().map_err(|error| layers.place(error))?;
        let layers = layers.over(Layers::of(&Settings::defaults(), |_| Origin::Default)?);
        Ok(Loaded { config, file: path, layers, notes: note.into_iter().collect() })
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

/// What cannot be asked may be there.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

//! Settings: which of two counts, what is refused and in which words, and a reload that keeps the last good ones.
mod bad;
mod layers;
mod reload;

use crate::support::Scratch;
use chainkeeper::config::{ConfigError, Loaded, Settings, Sources};
use clap::Parser;
use std::ffi::OsString;

/// Sources that a test makes: files are gone with it.
#[derive(Default)]
struct From {
    file: Option<Scratch>,
    kubelet: Option<Scratch>,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<String>,
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

impl From {
    fn file(mut self, text: impl AsRef<[u8]>) -> From {
        let file = self.file.insert(Scratch::new(&name("config.toml"), ""));
        file.write(text);
        self
    }

    fn kubelet(mut self, text: &str) -> From {
        self.kubelet = Some(Scratch::new(&name("kubelet.yaml"), text));
        self
    }

    fn set(mut self, name: &str, value: impl Into<OsString>) -> From {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn flags(mut self, words: &str) -> From {
        self.flags.extend(words.split_whitespace().map(str::to_owned));
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        let words = std::iter::once("chainkeeper".to_owned()).chain(self.flags.clone());
        let mut flags = Flags::try_parse_from(words).expect("flags").settings;
        flags.kubelet_config = self.kubelet.as_ref().map(|file| file.path().into());
        let file = self.file.as_ref().map_or("none".into(), Scratch::path);
        let environment = self.environment.clone();
        Sources { file: Some(file.into()), environment, flags, netns: None }.load()
    }

    /// What is complained of, with short names of files.
    fn complaint(&self) -> String {
        let error = self.load().expect_err("it is refused");
        let mut text = format!("error: {error}\n  do    {}\n", error.remedy);
        for (file, name) in [(&self.file, "FILE"), (&self.kubelet, "KUBELET")] {
            if let Some(file) = file {
                text = text.replace(&file.path(), name);
            }
        }
        text
    }
}

/// Of this test alone.
fn name(rest: &str) -> String {
    let thread = std::thread::current();
    format!("{}-{rest}", thread.name().unwrap_or("test").replace("::", "-"))
}

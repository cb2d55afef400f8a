//! What was asked for.
use crate::sections::{Child, Section};
use clap::{Parser, ValueEnum as _};
use std::path::PathBuf;

/// chainkeeper beside what a user would run instead: the same work in the same run, in network
/// namespaces made for it.
#[derive(Debug, Parser)]
#[command(version, after_help = "Run it by `make bench`, or in a network namespace of its own.")]
pub(crate) struct Args {
    /// Sections to measure; all of them by default
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Fewer rounds: to see that it works, not for figures
    #[arg(long)]
    pub(crate) quick: bool,
    /// Folder for JSON and plots
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// Show an earlier run again instead of measuring
    #[arg(long, value_name = "JSON")]
    pub(crate) render: Option<PathBuf>,
    /// Put the figures into performance.md of this folder, and the plots beside it
    #[arg(long, value_name = "DIR")]
    pub(crate) docs: Option<PathBuf>,
    /// The static binary, where one was built
    #[arg(long = "static", value_name = "FILE")]
    pub(crate) static_binary: Option<PathBuf>,
    /// Be the process whose memory is measured
    #[arg(long, hide = true)]
    pub(crate) child: Option<Child>,
}

impl Args {
    /// The sections that are measured, in the order of the page.
    pub(crate) fn chosen(&self) -> Vec<Section> {
        let wanted = |s: &Section| self.sections.is_empty() || self.sections.contains(s);
        Section::value_variants().iter().copied().filter(wanted).collect()
    }

    /// How often something is done: `all`, or a tenth of it in a quick run.
    pub(crate) fn rounds(&self, all: usize) -> usize {
        if self.quick { (all / 10).max(2) } else { all }
    }

    /// How this run is made again.
    pub(crate) fn command(&self) -> String {
        let mut words: Vec<String> = self.sections.iter().map(|s| s.name()).collect();
        words.extend(self.quick.then(|| "--quick".into()));
        match &words[..] {
            [] => "make bench".into(),
            words => format!("make bench BENCH=\"{}\"", words.join(" ")),
        }
    }
}

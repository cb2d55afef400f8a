//! What is measured, one file for each section.
mod growth;
mod install;

pub(crate) use growth::Child;

use crate::args::Args;
use crate::result::Measured;
use clap::ValueEnum;

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// The first apply on an empty host
    Install,
    /// Our own rules, ten to ten thousand
    Growth,
}

impl Section {
    pub(crate) const EACH: [Section; 2] = [Section::Install, Section::Growth];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Install => "install",
            Section::Growth => "growth",
        }
    }

    /// Measures it. Minutes.
    pub(crate) fn measure(self, args: &Args) -> anyhow::Result<Measured> {
        match self {
            Section::Install => install::measure(args),
            Section::Growth => growth::measure(args),
        }
    }
}

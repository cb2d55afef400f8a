//! What is measured, one file for each section.
mod felt;
mod install;

use crate::args::Args;
use crate::result::Measured;
use clap::ValueEnum;

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// The first apply on an empty host
    Install,
    /// Packets while chains are missing
    Felt,
}

impl Section {
    pub(crate) const EACH: [Section; 2] = [Section::Install, Section::Felt];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Install => "install",
            Section::Felt => "felt",
        }
    }

    /// Measures it. Minutes.
    pub(crate) fn measure(self, args: &Args) -> anyhow::Result<Measured> {
        match self {
            Section::Install => install::measure(args),
            Section::Felt => felt::measure(args),
        }
    }
}

//! What is measured, one file for each section.
mod install;
pub(crate) mod named;
mod wipes;

use crate::args::Args;
use crate::result::Measured;
use clap::ValueEnum;

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// The first apply on an empty host
    Install,
    /// What follows a wipe: heard of, seen, repaired
    Wipes,
    /// Who is named for a wipe
    Named,
}

impl Section {
    pub(crate) const EACH: [Section; 3] = [Section::Install, Section::Wipes, Section::Named];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Install => "install",
            Section::Wipes => "wipes",
            Section::Named => "named",
        }
    }

    /// Measures it. Minutes.
    pub(crate) fn measure(self, args: &Args) -> anyhow::Result<Measured> {
        match self {
            Section::Install => install::measure(args),
            Section::Wipes => wipes::measure(args),
            Section::Named => named::measure(args),
        }
    }
}

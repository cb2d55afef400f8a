//! What is measured, one file for each section.
mod cost;
mod install;
mod tax;

use crate::args::Args;
use crate::result::Measured;
use clap::ValueEnum;

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// The first apply on an empty host
    Install,
    /// What others pay for us
    Tax,
    /// What it costs to have
    Cost,
}

impl Section {
    pub(crate) const EACH: [Section; 3] = [Section::Install, Section::Tax, Section::Cost];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Install => "install",
            Section::Tax => "tax",
            Section::Cost => "cost",
        }
    }

    /// Measures it. Minutes.
    pub(crate) fn measure(self, args: &Args) -> anyhow::Result<Measured> {
        match self {
            Section::Install => install::measure(args),
            Section::Tax => tax::measure(args),
            Section::Cost => cost::measure(args),
        }
    }
}

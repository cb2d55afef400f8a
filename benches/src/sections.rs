//! What is measured, one file or folder for each section.
mod cost;
mod felt;
mod growth;
mod idle;
mod install;
pub(crate) mod named;
mod tax;
mod wipes;

pub(crate) use growth::Child;

use crate::args::Args;
use crate::result::Measured;
use clap::ValueEnum;

/// A part of the page, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// The first apply on an empty host
    Install,
    /// A look when nothing has changed, beside rules of others
    Idle,
    /// What follows a wipe: heard, seen, quiet, repaired
    Wipes,
    /// Who is named for a wipe
    Named,
    /// What others pay for us
    Tax,
    /// What users feel: packets that went wrong
    Felt,
    /// What it costs to have
    Cost,
    /// How it grows with rules of our own
    Growth,
}

impl Section {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Measures it. Minutes.
    pub(crate) fn measure(self, args: &Args) -> anyhow::Result<Measured> {
        match self {
            Section::Install => install::measure(args),
            Section::Idle => idle::measure(args),
            Section::Wipes => wipes::measure(args),
            Section::Named => named::measure(args),
            Section::Tax => tax::measure(args),
            Section::Felt => felt::measure(args),
            Section::Cost => cost::measure(args),
            Section::Growth => growth::measure(args),
        }
    }
}

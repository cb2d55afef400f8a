//! What it costs to have.
mod calls;
mod idle;
mod memory;
mod size;
mod start;

use crate::args::Args;
use crate::result::Measured;
use crate::world::chainkeeper;
use std::path::PathBuf;

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let mut out = Measured {
        name: "cost".into(),
        title: "What it costs to have".into(),
        about: "The release binary in network namespaces of its own, by default settings: it\n\
                makes a pass of its own accord each minute."
            .into(),
        ..Measured::default()
    };
    memory::measure(args, &mut out)?;
    out.tables.push(size::table(args)?);
    out.tables.push(start::measure(args)?);
    idle::measure(args, &mut out)?;
    calls::measure(args, &mut out)?;
    Ok(out)
}

/// What is compared with itself: a word for it, and the binary.
fn binaries(args: &Args) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let others = args.static_binary.iter().map(|binary| (", static", binary.clone()));
    Ok([("", chainkeeper()?)].into_iter().chain(others).collect())
}

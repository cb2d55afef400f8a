//! The figures of a run in `docs/performance.md`: between its marks, what stands around them is by hand.
use crate::plot;
use crate::result::{Measured, Plot, Run};
use crate::text;
use anyhow::{Context as _, bail};
use std::fs;
use std::path::Path;

const END: &str = "<!-- end -->";

/// Writes the page and its plots.
pub(crate) fn write(run: &Run, docs: &Path) -> anyhow::Result<()> {
    let (file, plots) = (docs.join("performance.md"), docs.join("performance"));
    let page = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let page = filled(&page, |name| block(run, name))?;
    fs::create_dir_all(&plots)?;
    run.plots().try_for_each(|one| plot::draw(one, &plots))?;
    fs::write(plots.join("run.json"), run.json()?)?;
    Ok(fs::write(&file, page)?)
}

/// What stands behind `<!-- bench: NAME -->` up to the end mark is replaced.
fn filled(page: &str, block: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let (mut out, mut rest) = (String::new(), page);
    while let Some((before, after)) = rest.split_once("<!-- bench: ") {
        let Some((name, after)) = after.split_once(" -->") else { bail!("a mark has no end") };
        let Some((old, after)) = after.split_once(END) else { bail!("{name}: no {END}") };
        let new = block(name).map_or_else(|| old.to_owned(), |new| format!("\n{new}"));
        out += &format!("{before}<!-- bench: {name} -->{new}{END}");
        rest = after;
    }
    Ok(out + rest)
}

/// A section that was not measured in this run keeps its old figures.
fn block(run: &Run, name: &str) -> Option<String> {
    match name {
        "machine" => Some(fenced(&format!("$ {}\n{}\n", run.command, run.machine))),
        "targets" => Some(fenced(&text::targets(run))),
        name => run.sections.iter().find(|section| section.name == name).map(section),
    }
}

fn section(section: &Measured) -> String {
    let picture = |plot: &Plot| format!("![{}](performance/{}.svg)\n\n", plot.title(), plot.name());
    section.plots.iter().map(picture).collect::<String>() + &fenced(&text::section(section))
}

fn fenced(text: &str) -> String {
    format!("```text\n{}\n```\n", text.trim_end())
}

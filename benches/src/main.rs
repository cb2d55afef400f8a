//! chainkeeper beside what a user would run instead: the same work, in the same run, in network namespaces
//! made for it. Prints tables, writes JSON and plots; asserts nothing.
mod args;
mod machine;
mod page;
mod plot;
mod result;
mod samples;
mod sections;
mod text;
mod world;

use anyhow::Context as _;
use args::Args;
use clap::Parser as _;
use result::Run;
use sections::named;
use std::fs;

fn main() -> anyhow::Result<()> {
    if named::is_writer() {
        return named::write();
    }
    let args = Args::parse();
    if let Some(child) = &args.child {
        return child.run();
    }
    if let Some(run) = &args.render {
        let run = fs::read_to_string(run).with_context(|| run.display().to_string())?;
        return show(&args, &serde_json::from_str(&run)?);
    }
    world::warm_up().context("root, or the namespace of `make bench`")?;
    let mut run = Run { machine: machine::now(), command: args.command(), sections: vec![] };
    println!("{}\n", run.machine);
    for section in args.chosen() {
        let done = section.measure(&args).with_context(|| section.name())?;
        print!("{}", text::section(&done));
        run.sections.push(done);
        // What was measured stays when a later section fails.
        run.save(&args.out)?;
    }
    show(&args, &run)
}

/// The targets of all sections, and the plots.
fn show(args: &Args, run: &Run) -> anyhow::Result<()> {
    if args.render.is_some() {
        println!("{}\n", run.machine);
        run.sections.iter().for_each(|section| print!("{}", text::section(section)));
    }
    print!("{}", text::targets(run));
    run.plots().try_for_each(|one| plot::draw(one, &args.out))?;
    println!("\nJSON and plots are in {}", args.out.display());
    args.docs.iter().try_for_each(|docs| page::write(run, docs))
}

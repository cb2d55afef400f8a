//! Writes man pages and completions into the folder that is named, from the program's own command line.
#![forbid(unsafe_code)]
use anyhow::Context as _;
use chainkeeper::cli::Cli;
use chainkeeper::exit;
use chainkeeper::reference::{ENVIRONMENT, FILES, SIGNALS};
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("name a folder to write to")?);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut cli = Cli::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut cli, "chainkeeper", &folder)?;
    }
    // Its help ends in examples and exit codes, which have sections of their own here.
    let after = cli.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = after.split("\n\nExit codes:").next().unwrap_or_default();
    let cli =
        Cli::command().disable_help_subcommand(true).after_help("").long_version(None::<&str>);
    main_page(&folder.join("chainkeeper.1"), &cli, examples.trim_start_matches("Examples:\n"))?;
    for sub in cli.get_subcommands() {
        let name = format!("chainkeeper-{}", sub.get_name());
        let sub = sub.clone().display_name(&name).bin_name(name.replacen('-', " ", 1));
        let mut page = fs::File::create(folder.join(format!("{name}.1")))?;
        sub_page(&mut page, sub)?;
    }
    Ok(())
}

fn main_page(path: &Path, cli: &Command, examples: &str) -> anyhow::Result<()> {
    let mut page = fs::File::create(path)?;
    let man = Man::new(cli.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_subcommands_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let codes: Vec<_> =
        exit::TABLE.iter().map(|(code, words)| (code.to_string(), *words)).collect();
    let codes: Vec<(&str, &str)> = codes.iter().map(|(code, words)| (&code[..], *words)).collect();
    for (title, table) in [
        ("EXIT STATUS", &codes[..]),
        ("FILES", FILES),
        ("ENVIRONMENT", ENVIRONMENT),
        ("SIGNALS", SIGNALS),
    ] {
        section(title, table).to_writer(&mut page)?;
    }
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    examples.lines().for_each(|line| {
        roff.text([roman(line.trim_start())]);
    });
    roff.control("fi", []).to_writer(&mut page)?;
    Ok(())
}

fn sub_page(page: &mut fs::File, sub: Command) -> anyhow::Result<()> {
    let man = Man::new(sub).source(concat!("chainkeeper ", env!("CARGO_PKG_VERSION")));
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    let mut roff = Roff::new();
    let more = "Options of every command, exit codes, files and signals: chainkeeper(1).";
    roff.control("SH", ["SEE ALSO"]).text([roman(more)]).to_writer(page)?;
    page.flush()?;
    Ok(())
}

fn section(title: &str, table: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (name, meaning) in table {
        roff.control("TP", []).text([roman(*name)]).text([roman(*meaning)]);
    }
    roff
}

//! The command line, as data.
use crate::backends;
use crate::config::Settings;
use crate::exit;
use crate::monitor::PAUSE_MOST;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str =
    "Keeps kubelet's iptables utility chains in place, in nf_tables or by iptables-legacy";

const EXAMPLES: &str = "\
Examples:
  chainkeeper probe                which backend this host uses, and why
  chainkeeper diff                 what is missing or wrong; writes nothing
  chainkeeper apply                put it right, in one atomic commit
  chainkeeper remove               take out what chainkeeper made, nothing else
  chainkeeper run                  keep it so
  chainkeeper run --observe        only watch, and tell who takes what
  chainkeeper events --follow      what the running service sees
  chainkeeper run --sandbox        try it without root; the host is not touched
  chainkeeper report               all that a bug report needs, in one file
  chainkeeper render               print the chains as iptables-save would";

/// Everything that was typed.
#[derive(Debug, Parser)]
#[command(name = "chainkeeper", version, long_version = backends::VERSION, about = ABOUT,
          max_term_width = 80,
          after_help = format!("{EXAMPLES}\n\n{}", exit::help()))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// Settings, above those of the file.
    #[command(flatten)]
    pub settings: Settings,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// TOML file with the settings below, by their long names, or `none` [default: $CHAINKEEPER_CONFIG,
    /// else /etc/chainkeeper/config.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Results for people or for programs
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: Output,
    /// Do everything in that network namespace: a path such as /proc/PID/ns/net, or a name in /run/netns.
    /// Socket and state file have its name in theirs, unless they are set
    #[arg(long, global = true, value_name = "PATH")]
    pub netns: Option<PathBuf>,
    /// More words in the journal than log-level says; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Text,
    /// For programs: one object
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the chains in place, once
    Apply {
        /// Try again for so long while somebody else is writing or something fails
        #[arg(long, value_name = "TIMEOUT", value_parser = humantime::parse_duration)]
        wait: Option<Duration>,
    },
    /// Is everything in place? Exit code 0 or 1; prints what is not
    Check {
        /// Only whether the service works: for probes of orchestrators
        #[arg(long)]
        live: bool,
        /// Ask again for so long until it is
        #[arg(long, value_name = "TIMEOUT", value_parser = humantime::parse_duration)]
        wait: Option<Duration>,
    },
    /// How the running service is; without one, how the host is
    Status,
    /// What happened, as the running service saw it: when, who, what was done
    Events {
        /// Not older than so long
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
        since: Duration,
        /// Go on with what happens from now on
        #[arg(short, long)]
        follow: bool,
    },
    /// The running service writes nothing for a while: for maintenance and uninstallers
    Pause {
        /// Ends by itself after so long, up to 7d
        #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = pause_length)]
        length: Duration,
    },
    /// The running service writes again
    Resume,
    /// Show what `apply` would do; exit code 1 if there is something
    Diff {
        /// Also ask the kernel whether it would take it (an unfinished batch, rolled back)
        #[arg(long)]
        validate: bool,
    },
    /// Take out what chainkeeper made; what others created or still jump to stays
    Remove {
        /// Also take chains of our names that somebody else created
        #[arg(long)]
        force: bool,
        /// Only show what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Say which backend this host uses, and why; writes nothing
    Probe,
    /// Print the chains that should be there, without looking at the host
    Render {
        /// As iptables-save prints them, or as JSON
        #[arg(long, value_enum, default_value_t)]
        format: RenderFormat,
        /// As beside a kube-proxy (profile auto keeps the drop rule in CHAINKEEPER-DROP then)
        #[arg(long)]
        beside_kube_proxy: bool,
    },
    /// Write all that somebody who is to help has to know into one file, without secrets
    Report(ReportArgs),
    /// Whether the settings can be used, what they come to, and where each was set
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Bring the chains in place, and back as soon as whoever took them is done
    Run {
        /// First move into a new user and network namespace: no root, and the host is not touched
        #[arg(long)]
        sandbox: bool,
        /// Write nothing: tell who took what, and what would be done. Stronger than --keep
        #[arg(long)]
        observe: bool,
    },
}

/// What goes into a report, and where it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ReportArgs {
    /// Where it goes, `-` for standard output [default: chainkeeper-report-DATE.txt]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// With rules of others, which are only counted without it
    #[arg(long)]
    pub with_foreign_rules: bool,
    /// With command lines of others
    #[arg(long)]
    pub with_command_lines: bool,
    /// With addresses, which are hidden without it
    #[arg(long)]
    pub with_addresses: bool,
}

/// What to do about the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Can they be used? Exit code 0 or 2
    Check,
    /// All that count, as they could stand in a file, and where each was set
    Show,
}

/// How `render` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RenderFormat {
    /// Text of iptables-save, one block for each family
    #[default]
    IptablesSave,
    /// One object
    Json,
}

/// The command line with the words `args`, but for another command and one flag less. A file may have
/// the name of a command.
pub fn instead(args: impl Iterator<Item = String>, from: &str, to: &str, without: &str) -> String {
    let mut out = String::from("chainkeeper");
    let mut before = String::new();
    for word in args {
        let before = std::mem::replace(&mut before, word.clone());
        let value = ["--config", "--netns"].contains(&before.as_str());
        if word == without && !value {
            continue;
        }
        let word = if word == from && !value { to } else { word.as_str() };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,".contains(c);
        out += &match !word.is_empty() && word.chars().all(plain) {
            true => format!(" {word}"),
            false => format!(" '{}'", word.replace('\'', "'\\''")),
        };
    }
    out
}

fn pause_length(text: &str) -> Result<Duration, String> {
    let length = humantime::parse_duration(text).map_err(|why| why.to_string())?;
    let fits = !length.is_zero() && length <= PAUSE_MOST;
    fits.then_some(length).ok_or("a pause is longer than nothing, and up to 7 days".into())
}

#[cfg(test)]
mod tests {
    use super::{Cli, instead};
    use clap::Parser as _;

    #[test]
    fn a_pause_that_no_service_takes_is_no_command() {
        let parses = |length| Cli::try_parse_from(["chainkeeper", "pause", "--for", length]);
        for (length, fits) in [("0s", false), ("1ms", true), ("7d", true), ("8d", false)] {
            assert_eq!(parses(length).is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn only_the_command_is_another_and_words_are_quoted_where_a_shell_would_split_them() {
        for (words, other) in [
            (&["diff", "--validate"][..], "chainkeeper apply"),
            (&["--config", "diff", "diff"], "chainkeeper --config diff apply"),
            (&["diff", "--config", "--validate"], "chainkeeper apply --config --validate"),
            (&["--netns", "diff", "diff"], "chainkeeper --netns diff apply"),
            (&["--config=my file", "diff"], "chainkeeper '--config=my file' apply"),
            (&["--config", "it's", "diff", ""], "chainkeeper --config 'it'\\''s' apply ''"),
        ] {
            let args = words.iter().map(|w| (*w).to_owned());
            assert_eq!(instead(args, "diff", "apply", "--validate"), other);
        }
    }
}

//! Parses the arguments, starts logging, maps results to exit codes. `anyhow` lives here.
#![forbid(unsafe_code)]
use anyhow::Context as _;
use chainkeeper::cli::{self, Cli, Command, Global, LogFormat};
use chainkeeper::commands::{self, Screen};
use chainkeeper::config::{Config, ConfigError, Settings};
use chainkeeper::daemon::{self, Ended};
use chainkeeper::monitor::Keep;
use chainkeeper::switch::Switch;
use chainkeeper::{exit, sandbox};
use clap::Parser;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;

fn main() -> ExitCode {
    let cli = Cli::parse(); // exits 2 by itself on a bad command line
    start_logging(&cli.global);
    let config = match load(&cli.global, &cli.settings) {
        Ok(config) => config,
        Err(error) => {
            commands::warn(&format!("error: {error}\n  do    {}", error.remedy));
            return ExitCode::from(exit::USAGE);
        }
    };
    let screen = Screen { output: cli.global.output };
    // What a person types to do what was only shown: the same flags, another command.
    let instead = |from: &str, to: &str, without: &str| {
        let args = std::env::args_os().skip(1).map(|w| w.to_string_lossy().into_owned());
        cli::instead(args, from, to, without)
    };
    let code = match cli.command {
        Command::Apply { wait } => commands::apply(&config, wait, screen),
        Command::Check { live: true, wait } => commands::live(&config, wait, screen),
        Command::Check { live: false, wait } => commands::check(&config, wait, screen),
        Command::Status => commands::status(&config, screen),
        Command::Events { since, follow } => commands::events(&config, since, follow, screen),
        Command::Pause { length } => commands::pause(&config, length, screen),
        Command::Resume => commands::resume(&config, screen),
        Command::Diff { validate } => {
            commands::diff(&config, validate, &instead("diff", "apply", "--validate"), screen)
        }
        Command::Remove { force, dry_run } => {
            let remove = instead("remove", "remove", "--dry-run");
            commands::remove(&config, force, dry_run, &remove, screen)
        }
        Command::Render { format, beside_kube_proxy } => {
            commands::render(&config, format, beside_kube_proxy, screen)
        }
        Command::Probe => commands::probe(&config, screen),
        Command::Run { sandbox, observe } => {
            let how = How { sandbox, observe };
            run(config, how, screen, &cli.global, &cli.settings)
        }
    };
    ExitCode::from(code)
}

fn load(global: &Global, flags: &Settings) -> Result<Config, ConfigError> {
    Config::load(global.config.as_deref(), flags)
}

/// How `run` was asked to.
#[derive(Clone, Copy)]
struct How {
    sandbox: bool,
    observe: bool,
}

impl How {
    fn apply(self, config: &mut Config) {
        if self.sandbox {
            // What happens in there tells nothing of the host.
            config.state_file = None;
            config.socket = None;
        }
        if self.observe {
            config.monitor.keep = Keep::nothing();
        }
    }
}

fn run(mut config: Config, how: How, screen: Screen, global: &Global, flags: &Settings) -> u8 {
    if how.sandbox
        && let Err(error) = sandbox::enter()
    {
        commands::warn(&format!(
            "error: cannot make a sandbox: {error}\n  \
             why   user namespaces are switched off for this user on this host\n  \
             do    sysctl user.max_user_namespaces=10000, or run it as root"
        ));
        return exit::DENIED;
    }
    how.apply(&mut config);
    // Opened here so that a missing capability ends the program instead of filling the journal.
    let switch = match Switch::open(&config).and_then(|mut s| s.check().map(|()| s)) {
        Ok(switch) => switch,
        Err(error) => return screen.fail(&error),
    };
    let reload = || {
        let mut config = load(global, flags).map_err(|e| e.to_string())?;
        how.apply(&mut config);
        Ok(config)
    };
    match keep(config, switch, reload) {
        Ok(Ended::Asked) => exit::FINE,
        Ok(Ended::RemoveFailed) => exit::FAILED,
        Ok(Ended::BackendChanged) => exit::BACKEND_CHANGED,
        Err(error) => {
            commands::warn(&format!("error: {error:#}"));
            exit::FAILED
        }
    }
}

fn keep(
    config: Config,
    switch: Switch,
    reload: impl Fn() -> Result<Config, String>,
) -> anyhow::Result<Ended> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?
        .block_on(daemon::run(config, switch, reload))
}

/// The journal goes to standard error. Under systemd the time is journald's to add.
fn start_logging(global: &Global) {
    let level = match global.verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(std::io::stderr);
    match global.log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.without_time().with_ansi(false).compact().init(),
    }
}

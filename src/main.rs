//! Parses the arguments, starts logging, maps results to exit codes.
#![forbid(unsafe_code)]
use chainkeeper::cli::{self, Cli, Command, ConfigCommand};
use chainkeeper::commands::{self, Screen};
use chainkeeper::config::{Config, Loaded, Sources};
use chainkeeper::daemon::{self, Ended, RunError};
use chainkeeper::monitor::Keep;
use chainkeeper::switch::Switch;
use chainkeeper::{exit, logging, netns, sandbox};
use clap::Parser;
use std::io::{self, stderr};
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use tracing::info;

fn main() -> ExitCode {
    let cli = Cli::parse(); // exits 2 by itself on a bad command line
    let screen = Screen { output: cli.global.output };
    if cli.global.netns.is_some() && matches!(cli.command, Command::Run { sandbox: true, .. }) {
        screen.complain(
            "--netns and --sandbox contradict each other",
            "",
            "leave one of them out: a sandbox is a namespace of its own",
        );
        return ExitCode::from(exit::USAGE);
    }
    // Before any thread is there, and before the names of files are made up.
    let netns = match cli.global.netns.as_deref().map(netns::enter).transpose() {
        Ok(netns) => netns,
        Err(error) => {
            screen.complain(&error.to_string(), "", error.remedy);
            return ExitCode::from(error.code);
        }
    };
    let environment = std::env::vars_os().collect();
    let sources = Sources { file: cli.global.config, environment, flags: cli.settings, netns };
    let loaded = sources.load();
    // It is needed most where nothing else works.
    if let Command::Report(args) = &cli.command {
        return ExitCode::from(commands::report(&loaded, &sources, args, screen));
    }
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return ExitCode::from(commands::config_error(&error, screen)),
    };
    // Keeping waits for nobody who reads; a person has to see all that is said.
    let patient = !matches!(cli.command, Command::Run { .. });
    logging::start(&loaded.config, cli.global.verbose, patient);
    let code = obey(cli.command, loaded, &sources, screen);
    logging::end();
    ExitCode::from(code)
}

fn obey(command: Command, loaded: Loaded, sources: &Sources, screen: Screen) -> u8 {
    // What a person types to do what was only shown: the same flags, another command.
    let instead = |from: &str, to: &str, without: &str| {
        let args = std::env::args_os().skip(1).map(|w| w.to_string_lossy().into_owned());
        cli::instead(args, from, to, without)
    };
    let config = &loaded.config;
    match command {
        Command::Apply { wait } => commands::apply(config, wait, screen),
        Command::Check { live: true, wait } => commands::live(config, wait, screen),
        Command::Check { live: false, wait } => commands::check(config, wait, screen),
        Command::Status => commands::status(config, screen),
        Command::Events { since, follow } => commands::events(config, since, follow, screen),
        Command::Pause { length } => commands::pause(config, length, screen),
        Command::Resume => commands::resume(config, screen),
        Command::Diff { validate } => {
            commands::diff(config, validate, &instead("diff", "apply", "--validate"), screen)
        }
        Command::Remove { force, dry_run } => {
            let remove = instead("remove", "remove", "--dry-run");
            commands::remove(config, force, dry_run, &remove, screen)
        }
        Command::Render { format, beside_kube_proxy } => {
            commands::render(config, format, beside_kube_proxy, screen)
        }
        Command::Probe => commands::probe(config, screen),
        Command::Config(ConfigCommand::Check) => commands::check_config(&loaded, screen),
        Command::Config(ConfigCommand::Show) => commands::show_config(&loaded, screen),
        // Done before the settings were asked for.
        Command::Report(_) => exit::FINE,
        Command::Run { sandbox, observe } => run(loaded, How { sandbox, observe }, sources, screen),
    }
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
            config.metrics = None;
        }
        if self.observe {
            config.monitor.keep = Keep::nothing();
        }
    }
}

fn run(loaded: Loaded, how: How, sources: &Sources, screen: Screen) -> u8 {
    if how.sandbox
        && let Err(error) = sandbox::enter()
    {
        screen.complain(
            &format!("cannot make a sandbox: {error}"),
            "user namespaces are switched off for this user on this host",
            "`sysctl user.max_user_namespaces=10000`, or run it as root",
        );
        return exit::DENIED;
    }
    let Loaded { mut config, notes, .. } = loaded;
    how.apply(&mut config);
    // Opened here so that a missing capability ends the program instead of filling the journal.
    let switch = match Switch::open(&config).and_then(|mut s| s.check().map(|()| s)) {
        Ok(switch) => switch,
        Err(error) => return screen.fail(&error),
    };
    let reload = || {
        let Loaded { mut config, notes, .. } = sources.load().map_err(|e| e.to_string())?;
        notes.iter().for_each(|note| info!("{note}"));
        how.apply(&mut config);
        Ok(config)
    };
    notes.iter().for_each(|note| info!("{note}"));
    match keep(config, switch, reload) {
        Ok(Ended::Asked) => exit::FINE,
        Ok(Ended::RemoveFailed) => exit::FAILED,
        Ok(Ended::BackendChanged) => exit::BACKEND_CHANGED,
        Err(error) => {
            commands::warn(&format!("error: {error}"));
            exit::FAILED
        }
    }
}

/// The event loop opens so many descriptors. Where there are fewer, tokio panics instead of saying so.
const DESCRIPTORS: usize = 8;

fn keep(
    config: Config,
    switch: Switch,
    reload: impl Fn() -> Result<Config, String>,
) -> Result<Ended, RunError> {
    let spare = || stderr().as_fd().try_clone_to_owned();
    drop((0..DESCRIPTORS).map(|_| spare()).collect::<io::Result<Vec<_>>>()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(daemon::run(config, switch, reload))
}

//! The reference page, from the same tables as `--help` and the man page: options, exit codes, environment, files,
//! signals. A test fails when `docs/reference.md` differs.
use crate::cli::Cli;
use crate::exit;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write as _;

/// Names and meanings.
pub type Table = &'static [(&'static str, &'static str)];

/// All that it reads of the environment.
pub const ENVIRONMENT: Table = &[
    ("CHAINKEEPER_CONFIG", "the settings file, where --config names none"),
    ("CHAINKEEPER_SETTLE and the like", "a setting, by the name of its option"),
    (
        "STATE_DIRECTORY, RUNTIME_DIRECTORY",
        "where the state file and the socket are, else as under Files",
    ),
    (
        "NOTIFY_SOCKET, WATCHDOG_USEC",
        "of systemd: READY, STATUS and RELOADING are told, and pings sent",
    ),
    ("JOURNAL_STREAM", "of systemd: whether standard error is the journal, which then gets fields"),
    ("XTABLES_LOCKFILE", "the xtables lock, as iptables knows it"),
    (
        "container, KUBERNETES_SERVICE_HOST",
        "this is a container: messages name lines of a manifest; `container=none`: it is not",
    ),
    ("PATH", "where iptables-legacy and the tools of `report` are; /usr/sbin and /sbin after it"),
    ("NO_COLOR", "if set, nothing is coloured"),
];

/// Where what is, unless told otherwise.
pub const FILES: Table = &[
    ("/etc/chainkeeper/config.toml", "settings, by the long names of the options above"),
    (
        "/var/lib/chainkeeper/state.json",
        "what is remembered: the backend, what was created in legacy",
    ),
    ("/run/chainkeeper/chainkeeper.sock", "where `run` answers, for root and its own user"),
    ("/run/xtables.lock", "the lock of iptables-legacy; XTABLES_LOCKFILE names another"),
    (
        "/usr/share/doc/chainkeeper/examples/legacy.conf",
        "drop-in of chainkeeper.service for nodes that use iptables-legacy",
    ),
];

/// What `run` does about them.
pub const SIGNALS: Table = &[
    ("SIGHUP", "reads the configuration anew; a wrong one changes nothing"),
    ("SIGTERM, SIGINT", "end `run`; the chains stay, unless --on-exit remove is given"),
];

/// The page as Markdown.
pub fn page() -> String {
    let cli = Cli::command();
    let mut out = String::from(
        "# Reference\n\nMade from the program's own tables: `make docs` writes this page, a test \
         fails when it lags. What each error means: [operating.md](operating.md).\n\n## Commands\n\n",
    );
    for sub in cli.get_subcommands() {
        commands(&format!("chainkeeper {}", sub.get_name()), sub, 0, &mut out);
    }
    out.push_str("\n## Options of every command\n\n");
    out.push_str(
        "Those from `--backend` on are also keys of the TOML file, without the dashes.\n\n",
    );
    for arg in own(&cli) {
        let _ = writeln!(out, "- {}", option(arg));
    }
    out.push_str(JSON);
    out.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (code, words) in exit::TABLE {
        let _ = writeln!(out, "| {code} | {words} |");
    }
    for (title, table) in [("Environment", ENVIRONMENT), ("Files", FILES), ("Signals", SIGNALS)] {
        let _ = writeln!(out, "\n## {title}\n\n| name | meaning |\n|---|---|");
        table.iter().for_each(|(name, words)| {
            let _ = writeln!(out, "| {name} | {words} |");
        });
    }
    out
}

const JSON: &str = "
## `--output json`

`diff`, `apply` and `remove` print one object:

| key | value |
|---|---|
| `in_sync` | true when there is nothing to do and nothing wrong, in every family |
| `backend` | the choice: `kind` (`nft`, `legacy`), `row` of the table in decision 0005, `why`, `basis` (`asked`, `evidence`, `remembered`, `nothing`), `hint` (whether the hint is written), `warnings`, `not_chosen` |
| `dialect` | `xt`, or `native`: then no iptables-nft can read the rules |
| `generation` | of nf_tables, as looked at; null in legacy |
| `families` | `ip` and `ip6`, each with `in_sync`, `steps`, `notes`, `problems`, `error` (or null) |
| `written`, `commits` | whether anything was committed, and in how many commits (legacy: one a family) |
| `generation_after` | of our commit, or null |
| `took_ms` | from the first look to the last answer, or null |
| `other_backend` | the same of what was taken out of the other backend, or null |

A step, note or problem is an object with one key, its kind. An error has `message`, `kind` (`busy`,
`denied`, `unsupported`, `refused`), `detail` and `manifest` (in a container the lines that mend it, or null);
one that concerns no family is printed as `{\"error\": ...}`. One of the socket, a file or a namespace has `message`, `why`
(or null) and `do`; one of the settings `message` and `do`, and `ok` false beside it. `probe` prints `backend` (or null), `error` (or
null) and `facts`: those of `nft` and `legacy`, `host_tool`, `remembered` and `container` (or null). `render` prints
`{\"families\": [...]}`, one ruleset each.
";

fn own(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|a| !matches!(a.get_id().as_str(), "help" | "version"))
}

/// A command with its options, and those below it.
fn commands(path: &str, command: &Command, depth: usize, out: &mut String) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(out, "{:1$}- `{path}`: {about}", "", 4 * depth);
    for arg in own(command) {
        let _ = writeln!(out, "{:1$}- {2}", "", 4 * depth + 4, option(arg));
    }
    for sub in command.get_subcommands() {
        commands(&format!("{path} {}", sub.get_name()), sub, depth + 1, out);
    }
}

fn option(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    let takes = arg.get_action().takes_values();
    let default = match defaults.join(",") {
        default if takes && !default.is_empty() => format!(" [default: {default}]"),
        _ => String::new(),
    };
    format!("`{}`: {help}{default}", typed(arg))
}

/// As it is typed.
fn typed(arg: &Arg) -> String {
    let values: Vec<String> = match arg.get_possible_values() {
        _ if !arg.get_action().takes_values() => vec![],
        known if known.is_empty() => {
            arg.get_value_names().into_iter().flatten().map(ToString::to_string).collect()
        }
        known => known.iter().map(|v| v.get_name().to_owned()).collect(),
    };
    let values = values.join("|");
    let short = arg.get_short().map_or(String::new(), |short| format!("-{short}, "));
    match (arg.get_long(), values.is_empty()) {
        (None, _) => values,
        (Some(long), true) => format!("{short}--{long}"),
        (Some(long), false) if arg.is_require_equals_set() => format!("{short}--{long}[={values}]"),
        (Some(long), false) => format!("{short}--{long} {values}"),
    }
}

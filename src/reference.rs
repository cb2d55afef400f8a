//! The reference page, from the same tables as `--help`: options, exit codes. A test fails when
//! `docs/reference.md` differs.
use crate::cli::Cli;
use crate::exit;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write as _;

/// The page as Markdown.
pub fn page() -> String {
    let cli = Cli::command();
    let mut out = String::from(
        "# Reference\n\nMade from the program's own tables: `make docs` writes this page, a test \
         fails when it lags. What each error means: [operating.md](operating.md).\n\n## Commands\n\n",
    );
    for sub in cli.get_subcommands() {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "- `chainkeeper {}`: {about}", sub.get_name());
        for arg in own(sub) {
            let _ = writeln!(out, "    - {}", option(arg));
        }
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

fn option(arg: &Arg) -> String {
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|v| v.get_name().to_owned())
        .collect();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let name = arg.get_long().unwrap_or_default();
    match values.is_empty() {
        true => format!("`--{name}`: {help}"),
        false => format!("`--{name} {}`: {help}", values.join("|")),
    }
}

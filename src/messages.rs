//! What the journal and `status` say beside errors: each with its cause and the way out, for docs/operating.md.
//! A test finds every row's words in the sources, and a row for everything that the sources warn of.
use crate::advice::{self, Advice};
use std::fmt::Write as _;

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Words of it that never change.
    pub words: &'static str,
    /// The cause.
    pub why: &'static str,
    /// The way out.
    pub remedy: &'static str,
}

const fn row(words: &'static str, why: &'static str, remedy: &'static str) -> Message {
    Message { words, why, remedy }
}

/// Warnings and errors of `run`, in the journal.
pub const JOURNAL: [Message; 21] = [
    row(
        "keeping the last good configuration",
        "the new one cannot be used; line and key are named",
        "mend it, `chainkeeper config check`, reload again",
    ),
    row(
        "no answers to `status`, `events` and `pause`: socket",
        "the path cannot be used, or another chainkeeper serves there",
        "end the other, or give --socket another path; keeping goes on",
    ),
    row(
        "goes on answering until a reload that works",
        "the new path of the socket cannot be used",
        "mend --socket, reload again",
    ),
    row(
        "cannot be served",
        "metrics-bind-address is taken, or no address of this host",
        "see the end of the line; it is tried again by itself",
    ),
    row(
        "no news of what others write",
        "the kernel's news cannot be heard: a capability, or memory for the socket",
        "nothing at once: everything is looked at each --sync-period, and it is tried again",
    ),
    row(
        "news of what others write broke off",
        "an error of the socket",
        "nothing: it is opened anew, and a look follows",
    ),
    row(
        "chains of ours are left in the other backend",
        "what we made before a move could not be taken out",
        "the error below it has the way out; it is tried again",
    ),
    row(
        "stopped; some of what we made could not be removed",
        "others jump to it, or put rules into it",
        "the lines above name them; `chainkeeper remove` once they are gone",
    ),
    row(
        "the worker thread is gone",
        "a bug: the thread that writes has panicked",
        "the service manager restarts it; please report it (`chainkeeper report`)",
    ),
    row(
        "the worker hangs",
        "a system call or a legacy tool does not come back",
        "the service manager restarts it; look for a stuck iptables, or a full disk",
    ),
    row(
        "the service manager cannot be told anything",
        "NOTIFY_SOCKET is set, and nobody reads there",
        "start it by its unit, or unset NOTIFY_SOCKET",
    ),
    row(
        "the journal did not take the last",
        "journald, or who reads standard error, was full, stuck or away",
        "nothing: keeping went on; the numbers are in the metrics",
    ),
    row(
        "was gone; it answers again",
        "somebody took the file of the socket away; it is made again within --sync-period",
        "nothing; but whoever cleans there takes it again",
    ),
    row(
        "is gone, and cannot be had again",
        "the same, and its folder is read-only, full or somebody else's",
        "mend the folder; it is tried again, and keeping goes on",
    ),
    row(
        "has to wait",
        "no descriptor is left for a connection",
        "a higher limit (LimitNOFILE=, ulimit -n); keeping goes on",
    ),
    row(
        "connections of a gap are not counted",
        "the system gave no thread",
        "a higher limit of tasks (TasksMax=, pids.max); keeping goes on",
    ),
    row(
        "written as text",
        "log-format journald, but journald cannot be reached",
        "log-format auto, or mount /run/systemd/journal",
    ),
    row(
        "others use",
        "the evidence of kubelet and others is in the other backend now",
        "`chainkeeper probe`; then --on-backend-change follow, or move them back",
    ),
    row(
        "cannot move to",
        "--on-backend-change follow, and the other backend cannot be used",
        "what is missing is named",
    ),
    row(
        "stopping (--on-backend-change exit)",
        "others use the other backend, and this was asked for",
        "the next start chooses anew; exit code 7",
    ),
    row(
        "undid it",
        "another program wants the chain otherwise; it is left to it for a while",
        "ChainkeeperYielded, above",
    ),
];

/// Errors of commands that are no backend's. Those of settings name flag, variable, key or line.
pub const COMMANDS: [Message; 9] = [
    row(
        "cannot ask the service at",
        "no service runs, it has another --socket, it is another user's, or it is stuck",
        "start it, ask as root or as its user, or look at its journal",
    ),
    row("there is no socket to ask at", "socket is `none`", "give --socket the path of `run`"),
    row(
        "the service refuses the question",
        "too many follow its events, or it is of another version",
        "end another `events --follow`, or give both the same version",
    ),
    row(
        "both want standard output",
        "`report -` prints the report, `--output json` where it is",
        "name a file",
    ),
    row(
        "cannot create",
        "`report`: the file is there, or its folder may not be written to",
        "name another file, or `-`",
    ),
    row("cannot write", "the disk is full, or nobody takes it", "name another file"),
    row("contradict each other", "--netns names a namespace, --sandbox makes one", "leave one out"),
    row(
        "cannot use network namespace",
        "there is none of that name, it is none, or CAP_SYS_ADMIN is missing",
        "`ip netns` lists the named ones; that of a process is /proc/PID/ns/net",
    ),
    row(
        "cannot make a sandbox",
        "user namespaces are switched off for this user on this host",
        "`sysctl user.max_user_namespaces=10000`, or run it as root",
    ),
];

/// What is wrong and not ours to mend: `problem` in `status` and `check`, `!` in `diff`.
pub const PROBLEMS: [Message; 7] = [
    row(
        "the table is dormant",
        "somebody switched the whole table off",
        "`nft add table ip nat` without the flag, or find who did (`nft list tables`)",
    ),
    row(
        "another process owns the table",
        "a table with an owner (`flags owner`) can be written by that process alone",
        "stop that process; `nft list tables` shows the flag",
    ),
    row(
        "left alone unless --force-dialect",
        "--dialect native, and others use iptables-nft in that table",
        "use --dialect xt",
    ),
    row(
        "marks must mean something",
        "the table with the other half is left alone, see its own problem",
        "mend that one",
    ),
    row(
        "not iptables' built-in chain",
        "a chain of that name hooks elsewhere",
        "rename it; iptables itself cannot use it either",
    ),
    row(
        "a base chain of somebody else has our name",
        "a KUBE chain with a hook of its own",
        "find who made it; rename or delete it",
    ),
    row(
        "another program keeps it with another bit",
        "a kube-proxy or kubelet with another masquerade bit",
        "give both the same bit: --masquerade-bit, or --kubelet-config",
    ),
];

/// The tables of docs/operating.md.
pub fn page() -> String {
    let mut out = String::from(
        "\n### Errors\n\n`error`, on the screen and in the journal; the exit code is in [reference.md](reference.md).\n",
    );
    let head = |out: &mut String, what: &str| {
        let _ = writeln!(out, "\n| {what} | why | do |\n|---|---|---|");
    };
    out.push_str("In a container the line of a manifest that mends it is shown, too, as `yaml`.\n");
    let _ = writeln!(out, "\n| when | why | do | yaml |\n|---|---|---|---|");
    advices(&mut out, &advice::TABLE);
    out.push_str("\n### Errors of commands\n\nThose of settings name flag, variable, key or line, and say what can be there.\n");
    head(&mut out, "words");
    rows(&mut out, &COMMANDS);
    out.push_str("\n### In the journal\n");
    head(&mut out, "words");
    rows(&mut out, &JOURNAL);
    out.push_str("\n### In the journal of a container\n\n`run` says it at the start, `probe` always, and whoever asks a service that is not there. The last one is said by `events`.\n");
    let _ = writeln!(out, "\n| words | why | do | yaml |\n|---|---|---|---|");
    advices(&mut out, &advice::WARNINGS);
    out.push_str("\n### Problems\n\nWhat is wrong and not ours to mend: `problem` in `status` and `check`, `!` in `diff`.\n");
    head(&mut out, "words");
    rows(&mut out, &PROBLEMS);
    out
}

fn advices(out: &mut String, rows: &[Advice]) {
    for Advice { when, why, remedy, manifest } in rows {
        let _ = writeln!(out, "| {when} | {why} | {remedy} | {} |", code(manifest));
    }
}

/// Lines of code in a cell.
fn code(lines: &str) -> String {
    lines.lines().map(|line| format!("`{line}`")).collect::<Vec<_>>().join("<br>")
}

fn rows(out: &mut String, rows: &[Message]) {
    for Message { words, why, remedy } in rows {
        let _ = writeln!(out, "| {words} | {why} | {remedy} |");
    }
}

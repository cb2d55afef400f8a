//! Exit codes: one table, from which `--help` and the reference page come.

/// Everything is as it should be.
pub const FINE: u8 = 0;
/// Something is missing, or wrong and not ours to mend; of `check --live`: no service works.
pub const DIFFERS: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// This host or this build cannot do it.
pub const UNSUPPORTED: u8 = 3;
/// A capability is missing.
pub const DENIED: u8 = 4;
/// The kernel refused, or something failed.
pub const FAILED: u8 = 5;
/// One family is in place, the other is not.
pub const ONE_FAMILY: u8 = 6;

/// Others use the other backend now, and `run` was told to stop then.
pub const BACKEND_CHANGED: u8 = 7;

/// Each code with what it means.
pub const TABLE: [(u8, &str); 8] = [
    (FINE, "fine: in sync, written, removed, or stopped as asked"),
    (DIFFERS, "differs: `diff`, `check` or `status` found something missing or wrong"),
    (USAGE, "usage or configuration: the message names the flag, key or line"),
    (UNSUPPORTED, "not supported here: the kernel or this build lacks what is named"),
    (DENIED, "not permitted: a capability or group is missing, or a table has an owner"),
    (FAILED, "refused, failed, busy (a lock), or not ours to mend: the message names it"),
    (ONE_FAMILY, "one family only: the other failed, and the message says why"),
    (BACKEND_CHANGED, "backend changed: `run --on-backend-change exit` saw others move"),
];

/// The table as `--help` shows it.
pub fn help() -> String {
    let lines = TABLE.iter().map(|(code, words)| format!("  {code}  {words}"));
    format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

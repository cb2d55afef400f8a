//! Looks: one save of each family that has a table, both at the same time.
use crate::child::{self, Running};
use crate::errors;
use crate::host::{Names, listed};
use crate::saves::Tables;
use crate::tools::{Tools, no_tool, save_name};
use chainkeeper_contract::{BackendError, ErrorKind, Family};
use std::collections::BTreeMap;
use std::time::Duration;

/// The tables of these families: one save each, at the same time, each within the limit.
pub(crate) fn read(
    tools: &Tools,
    limit: Duration,
    families: impl IntoIterator<Item = Family>,
) -> BTreeMap<Family, Result<Tables, BackendError>> {
    let started: Vec<_> = families.into_iter().map(|f| (f, start(tools, limit, f))).collect();
    let finish = |(family, started): (Family, Result<Option<Running>, BackendError>)| {
        let tables = match started {
            Ok(Some(running)) => finish(family, running),
            Ok(None) => Ok(Tables::default()),
            Err(error) => Err(error),
        };
        (family, tables)
    };
    started.into_iter().map(finish).collect()
}

/// Without a table in the kernel's list there is nothing to print.
fn start(tools: &Tools, limit: Duration, family: Family) -> Result<Option<Running>, BackendError> {
    let what = format!("cannot read the {family} tables");
    match listed(family) {
        Names::NoList => return Ok(None),
        Names::Listed(tables) if tables.is_empty() => return Ok(None),
        Names::Listed(_) => {}
        Names::Unreadable(error) => return Err(unreadable(what, &error)),
    }
    // Without -t: with it the tool would create the table that it is asked for.
    let mut save = tools.save(family).ok_or_else(|| no_tool(family, &what))?;
    save.arg("-c"); // the kernel hands the counters out with the rules, asked for or not
    let running = child::start(save, "", false, None, limit);
    running.map(Some).map_err(|e| errors::io(&what, save_name(family), &e))
}

/// The error of a list that cannot be read.
pub(crate) fn unreadable(what: String, error: &std::io::Error) -> BackendError {
    let words = format!("the kernel's list of tables: {error}");
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        let words = format!("{words}; uid 0 or gid 0 reads it");
        return BackendError::Failed { kind: ErrorKind::Denied, what, words };
    }
    BackendError::Failed { kind: ErrorKind::Refused, what, words }
}

fn finish(family: Family, running: Running) -> Result<Tables, BackendError> {
    let (what, tool) = (format!("cannot read the {family} tables"), save_name(family));
    let ended = running.finish().map_err(|e| errors::io(&what, tool, &e))?;
    if ended.code != Some(0) {
        return Err(errors::failed(&what, tool, &ended));
    }
    Tables::read(&String::from_utf8_lossy(&ended.stdout)).map_err(|why| BackendError::Garbled {
        what: format!("{what} by {tool}"),
        why: why.to_string(),
    })
}

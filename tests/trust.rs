//! The promises of ARCHITECTURE.md, attacked by something real. Each test writes rows of docs/trust.md and fails
//! if anything was lost. No part of `make test`: `make trust`, for which `scripts/trust` sets the knobs.
mod alarms;
mod kills;
mod neighbours;
mod races;
mod row;
mod security;
mod starvation;

use row::Row;
use std::time::Duration;

/// So many seconds after it was taken all is back, unless something says otherwise: far more than it takes, since the
/// cores are busy with other attacks.
const BOUND: u64 = 10;

/// Whether it is the form that CI runs: less of everything, nothing left out.
fn short() -> bool {
    std::env::var_os("TRUST_SHORT").is_some()
}

/// So much of it: in CI the first, else the second.
fn many(short_form: usize, whole: usize) -> usize {
    if short() { short_form } else { whole }
}

/// How long what has no end of its own goes on: `--minutes`.
fn minutes() -> Duration {
    let minutes: f64 = knob("TRUST_MINUTES").unwrap_or(if short() { 0.25 } else { 2.0 });
    Duration::from_secs_f64(60.0 * minutes)
}

/// Where chance begins: `--seed`, or another one each time. It is in the row, so a run can be had again.
fn seed() -> u64 {
    knob("TRUST_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| u64::from(now.subsec_nanos()))
    })
}

fn knob<T: std::str::FromStr>(name: &str) -> Option<T> {
    let set = std::env::var(name).ok()?;
    Some(set.parse().unwrap_or_else(|_| panic!("{name}={set}")))
}

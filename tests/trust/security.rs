//! People who mean harm, with no more rights than they have.
mod crowds;
mod files;
mod secrets;
mod words;

use super::{Row, many};
use crate::support::{Host, On, PROGRAM, Running, eventually};

/// A service that repairs soon.
fn service(host: &Host, words: &str) -> Running {
    let legacy = if host.on() == On::Legacy { "--sync-period 100ms" } else { "" };
    let words = format!("run --on-conflict insist --settle 10ms {legacy} {words}");
    let run = host.start(PROGRAM, &words);
    eventually("all is in place", || host.ck("check").code == 0);
    run
}

#[test]
fn another_user_is_not_answered() {
    let mut row = Row::new("questions of another user at the local socket", "questions");
    let host = Host::new();
    let _run = host.start(PROGRAM, "run");
    eventually("it runs", || host.ck("check --live").code == 0);
    let nobody = crate::support::nobody(65534, "-all").expect("root, with a user 65534");
    for question in ["status", "events", "pause --for 1h", "resume"].repeat(many(1, 25)) {
        let said = host.ck_under(&nobody, question);
        let refused = said.stderr.contains("Permission denied");
        row.one(said.code != 0 && refused, || format!("{question}: {said:?}"));
    }
    row.end("");
}

//! People who mean harm, with no more rights than they have.
use super::{Row, many};
use crate::support::{Host, PROGRAM, eventually, nobody};

#[test]
fn another_user_is_not_answered() {
    let mut row = Row::new("questions of another user at the local socket", "questions");
    let host = Host::new();
    let _run = host.start(PROGRAM, "run");
    eventually("it runs", || host.ck("check --live").code == 0);
    let nobody = nobody(65534, "-all").expect("root, with a user 65534");
    for question in ["status", "events", "pause --for 1h", "resume"].repeat(many(1, 25)) {
        let said = host.ck_under(&nobody, question);
        let refused = said.stderr.contains("Permission denied");
        row.one(said.code != 0 && refused, || format!("{question}: {said:?}"));
    }
    row.end("");
}

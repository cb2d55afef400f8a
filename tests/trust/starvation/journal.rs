//! Whoever reads its journal stands still, or is gone, or has no room for it.
use super::super::{BOUND, Row, many};
use super::{Service, on_both};
use crate::support::{Pipe, comes_true};

/// A journal at `$F`, in each form.
fn service(on: crate::support::On, name: &str, redirect: &str, format: &str) -> (Service, String) {
    let file =
        format!("{}/{}-{}-{name}", env!("CARGO_TARGET_TMPDIR"), std::process::id(), on.name());
    let script = format!("{file}.sh");
    let text = format!("F={file}; rm -f $F; mkfifo $F\n{redirect}\n");
    std::fs::write(&script, text).expect("a script");
    let words = format!("-vv --log-format {format}");
    (Service::under(on, &format!("sh {script}"), &words), file)
}

fn gone(file: &str) {
    let _ = std::fs::remove_file(file);
    let _ = std::fs::remove_file(format!("{file}.sh"));
}

/// Lost: a wipe that is not repaired within 10 s while the pipe is full, no word of the lines that were lost once
/// it is read again, a service that does not stop while it is full.
#[test]
fn a_pipe_that_is_full() {
    let row = Row::new("repairs while nobody reads the journal and its pipe is full", "repairs");
    let row = on_both(row, |on, row| {
        for format in ["text", "json"] {
            let (service, file) = service(on, format, "exec \"$@\" 2<>$F", format);
            let mut pipe = Pipe::open(&file);
            pipe.fill();
            for n in 0..many(5, 50) {
                let taken = service.take();
                let whole = taken && comes_true(BOUND, || service.is_whole());
                row.one(whole, || format!("{on:?}, {format}, {n}: not repaired"));
            }
            let mut said = String::new();
            let told = comes_true(10, || {
                said += &pipe.drained();
                service.take();
                said.contains("the journal did not take the last ")
            });
            row.one(told, || format!("{on:?}, {format}: no word of what was lost:\n{said}"));
            pipe.fill();
            service.stops(row);
            gone(&file);
        }
    });
    row.end("both backends, text and JSON, with -vv");
}

/// Lost: a wipe that is not repaired within 10 s, an end.
#[test]
fn a_journal_that_is_closed_or_has_no_room() {
    let row = Row::new(
        "repairs while the journal is closed, its reader gone, or its disk full",
        "repairs",
    );
    let row = on_both(row, |on, row| {
        for (name, redirect) in [
            ("closed", "exec \"$@\" 2>&-"),
            ("no-room", "exec \"$@\" 2>/dev/full"),
            ("no-reader", "exec 3<>$F; exec 4>$F; exec 3>&-; exec \"$@\" 2>&4 4>&-"),
        ] {
            let (service, file) = service(on, name, redirect, "text");
            for n in 0..many(3, 30) {
                let taken = service.take();
                let whole = taken && comes_true(BOUND, || service.is_whole());
                row.one(whole, || format!("{on:?}, {name}, {n}: not repaired"));
            }
            service.stops(row);
            gone(&file);
        }
    });
    row.end("both backends");
}

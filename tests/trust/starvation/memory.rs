//! An address space that is too small: Rust ends a program that gets no memory, by a signal. What it has done
//! until then must be whole.
use super::super::{Row, many};
use super::{Limited, Service, Tally, is_in_sync, on_both, started_under};
use crate::support::{Host, On};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Megabytes, from where nothing starts to where all is well.
const MOST: usize = 32;

/// Lost: chains that are there in part (on nft: all or none), a panic or a hang, and chains that are not there
/// after a start with enough.
#[test]
fn every_small_address_space_at_the_start() {
    let ended = AtomicUsize::new(0);
    let row = Row::new("started with every small address space, then with enough", "starts");
    let row = on_both(row, |on, row| {
        for megabytes in (8..=MOST).step_by(many(3, 1)) {
            let host = Host::of(on);
            let (run, ends) = started_under(&format!("--as={}", megabytes << 20), &host, "");
            ended.fetch_add(usize::from(ends), Ordering::Relaxed);
            let journal = run.journal();
            drop(run);
            let chains = host.sh("nft list chains | grep -c KUBE- || true");
            let all = on == On::Legacy || chains.trim() == "0" || is_in_sync(&host);
            host.ck(&format!("apply --backend {}", on.name()));
            let wrong = [
                (!all, "in part"),
                (journal.contains("panicked"), "panic"),
                (!is_in_sync(&host), "not mended"),
            ];
            let wrong: Vec<&str> =
                wrong.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
            row.one(wrong.is_empty(), || format!("{on:?}, {megabytes} MiB: {wrong:?}\n{journal}"));
        }
    });
    row.end(&format!("both backends; {} ended", ended.into_inner()));
}

/// Lost: not repaired once there is more again, or by a service that is started anew where it ended.
#[test]
fn no_more_address_space_for_the_running_one() {
    let tally = Tally::default();
    let row = Row::new("no more address space for the running service", "limits");
    let row = on_both(row, |on, row| {
        let mut service = Service::new(on, "--metrics-bind-address 9253");
        for more in [0, 64, 256, 1024].repeat(many(1, 5)) {
            // Ended by SIGABRT: Rust's end of a program that gets no memory. Its supervisor starts it again.
            service.ends_by = Some(-1);
            service.lacks(
                row,
                &format!("{more} KiB more"),
                &[],
                std::time::Duration::from_millis(700),
                |s| {
                    let size = s.run.number("VmSize");
                    let limit = format!("--as={}:unlimited", (size + more) << 10);
                    Limited::to(&limit, s, "--as=unlimited:unlimited")
                },
            );
        }
        tally.of(&service);
        service.stops(row);
    });
    row.end(&format!("both backends; {}", tally.notes()));
}

//! What is used while nothing happens.
use crate::args::Args;
use crate::result::{Measured, Row, Table, Target};
use crate::samples::Samples;
use crate::world::{Programs, Service, Used, Watching, alone, cpu, in_netns, joined, kubelet};
use nix::sys::resource::UsageWho;
use std::thread::sleep;
use std::time::Duration;

/// The start is over by then.
const CALM: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(60);
const QUICK: Duration = Duration::from_secs(5);
/// Passes of kubelet's sequence.
const PASSES: usize = 5;
/// Wakeups of one pass: the timer, the worker that is asked, its answer; one more where two threads meet at a lock.
const PASS: f64 = 4.0;
/// Questions of a watch that asks, in a minute.
const QUESTIONS: f64 = 600.0;

/// All services at the same time, each in a namespace of its own; then the loops' one pass.
pub(super) fn measure(args: &Args, out: &mut Measured) -> anyhow::Result<()> {
    let length = if args.quick { QUICK } else { LENGTH };
    let minute = 60.0 / length.as_secs_f64();
    let services = Watching::EACH.map(|way| (way, in_netns(move || service(way, length))));
    // All of them have ended before an error of one ends the run.
    let services = services.map(|(way, thread)| (way, joined(thread)));
    let mut rows = Vec::new();
    for (way, used) in services {
        let used = used?;
        let (cpu, wakes) = ((used.cpu / 1e3 + used.children) * minute, used.wakes * minute);
        rows.push(Row::numbers(format!("service, {way}"), [cpu, wakes]));
        let target =
            |most| Target::at_most(&format!("wakeups in a minute, {way}"), wakes, most, "");
        match way {
            Watching::Events => out.targets.push(target(PASS)),
            Watching::Poll => out.targets.push(target(QUESTIONS + PASS)),
            Watching::Legacy => {} // its tools are waited for, too
        }
    }
    let pass = alone(one_pass)?;
    for (seconds, times) in [(60, 1.0), (5, 12.0)] {
        let name = format!("kubelet's sequence each {seconds} s (computed)");
        rows.push(Row::numbers(name, [pass * times, f64::NAN]));
    }
    out.tables.push(Table {
        title: "idle, in a minute".into(),
        columns: ["CPU ms", "wakeups"].map(String::from).to_vec(),
        rows,
        notes: vec![
            format!("Over {} s, with child processes (by 10 ms). The pass of", length.as_secs()),
            "each minute wakes a thread three times: the timer, the worker, its answer; four"
                .into(),
            "times where the two meet at a lock. In poll mode each question is one more.".into(),
            format!(
                "The sequence: the CPU time of a pass over chains in place, median of {PASSES}."
            ),
        ],
    });
    Ok(())
}

fn service(way: Watching, length: Duration) -> anyhow::Result<Used> {
    let service = Service::start(way, None)?;
    sleep(CALM);
    let before = Used::by(service.pid())?;
    sleep(length);
    Ok(Used::by(service.pid())?.since(before))
}

/// Of kubelet's sequence when there is nothing to do, in ms.
fn one_pass() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let programs = Programs::new(folder.path());
    kubelet(&programs, "nft")?;
    let one = |_| Ok(cpu(UsageWho::RUSAGE_CHILDREN, || kubelet(&programs, "nft"))?.0);
    Ok((0..PASSES).map(one).collect::<anyhow::Result<Samples>>()?.p50())
}

//! Memory of the running service.
use super::binaries;
use crate::args::Args;
use crate::result::{Measured, Row, Table, Target};
use crate::world::{Programs, Service, Watching, alone, field};
use chainkeeper_contract::testing::big_restore;
use std::fs::read_to_string;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

const RULES: usize = 50_000;
/// The start is over by then.
const CALM: Duration = Duration::from_secs(1);
const MOST: f64 = 5_000.0;

pub(super) fn measure(args: &Args, out: &mut Measured) -> anyhow::Result<()> {
    let rules = if args.quick { RULES / 10 } else { RULES };
    let mut rows = Vec::new();
    for (word, binary) in binaries(args)? {
        for way in Watching::EACH {
            let of = |rules| {
                let binary = binary.clone();
                alone(move || of_service(&binary, way, rules))
            };
            let figures = [of(0)?, of(rules)?].concat();
            if let (Watching::Events, "") = (way, word) {
                let of = |what| format!("resident, events, {what} foreign rules");
                out.targets.push(Target::at_most(&of("no"), figures[0], MOST, " kB"));
                out.targets.push(Target::at_most(&of(&rules.to_string()), figures[3], MOST, " kB"));
            }
            rows.push(Row::numbers(format!("service, {way}{word}"), figures));
        }
    }
    out.tables.push(Table {
        title: "memory, kB".into(),
        columns: ["RSS", "peak", "Pss", "RSS+", "peak+", "Pss+"].map(String::from).to_vec(),
        rows,
        notes: vec![
            format!("+: with {rules} foreign rules in the table filter, which were there before."),
            "RSS has the pages of libraries that others use, too; Pss a share of them.".into(),
        ],
    });
    Ok(())
}

/// VmRSS, VmHWM and Pss.
fn of_service(binary: &Path, way: Watching, rules: usize) -> anyhow::Result<Vec<f64>> {
    let folder = tempfile::tempdir()?;
    if rules > 0 {
        let ending = match way {
            Watching::Events | Watching::Poll => "nft",
            Watching::Legacy => "legacy",
        };
        Programs::new(folder.path()).restore("ip", ending, &big_restore(rules))?;
    }
    let service = Service::of(binary, way, &[])?;
    sleep(CALM);
    let read = |name| read_to_string(format!("/proc/{}/{name}", service.pid()));
    let status = read("status")?;
    Ok(vec![
        field(&status, "VmRSS:")?,
        field(&status, "VmHWM:")?,
        field(&read("smaps_rollup")?, "Pss:")?,
    ])
}

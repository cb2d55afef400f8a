//! Memory of the running service.
use super::binaries;
use crate::args::Args;
use crate::result::{Measured, Row, Table, Target};
use crate::text::number;
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
    let most = if args.quick { RULES / 10 } else { RULES };
    let mut rows = Vec::new();
    for (word, binary) in binaries(args)? {
        for (way, rules) in Watching::EACH.into_iter().flat_map(|way| [(way, 0), (way, most)]) {
            let binary = binary.clone();
            let figures = alone(move || of_service(&binary, way, rules))?;
            let name = format!("{way}{word}, {} foreign rules", number(rules as f64));
            if way == Watching::Events {
                out.targets.push(Target::at_most(
                    &format!("resident: {name}"),
                    figures[0],
                    MOST,
                    " kB",
                ));
            }
            rows.push(Row::numbers(format!("service, {name}"), figures));
        }
    }
    out.tables.push(Table {
        title: "memory, kB".into(),
        columns: ["RSS", "peak", "Pss", "own"].map(String::from).to_vec(),
        rows,
        notes: vec![
            "Foreign rules were in the table filter before. RSS counts each page of the".into(),
            "program and its libraries that is in memory, Pss a share of those that others".into(),
            "use, too; own is what it has written itself.".into(),
        ],
    });
    Ok(())
}

/// VmRSS, VmHWM, Pss and RssAnon.
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
        field(&status, "RssAnon:")?,
    ])
}

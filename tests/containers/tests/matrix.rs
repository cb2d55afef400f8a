//! What works with which privilege, in which engine: measured, written into docs/containers.md
//! (`UPDATE_DOCS=1`), and compared with it ever after.
mod page;
mod rows;

use crate::engines::{ENGINES, Engine, Kind};
use crate::node::{Node, Said, eventually};
use page::{Line, write};
use rows::{Backend, Row, rows};
use std::thread::scope;

/// What is tried with each.
pub(crate) const OPERATIONS: [&str; 5] = ["look", "apply", "keep", "ask", "remove"];
const WORKS: &str = "yes";

#[test]
fn every_privilege_with_every_engine() {
    let lines: Vec<Line> = scope(|scope| {
        let engines = ENGINES.map(|kind| scope.spawn(move || of_engine(kind)));
        engines.into_iter().flat_map(|engine| engine.join().unwrap()).collect()
    });
    let wrong: Vec<&str> = lines.iter().filter_map(|line| line.wrong.as_deref()).collect();
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), lines.len(), wrong.join("\n\n"));
    write(&lines);
}

fn of_engine(kind: Kind) -> Vec<Line> {
    let node = Node::new();
    std::fs::create_dir(node.folder.join("folder")).unwrap();
    let engine = kind.start(&node);
    let possible = |row: &Row| !(row.want.mapped && kind == Kind::Docker);
    rows().into_iter().filter(possible).map(|row| of_row(&engine, row)).collect()
}

/// Tries everything with one row, on a node without rules and without a past.
fn of_row(engine: &Engine<'_>, row: Row) -> Line {
    let of = row.backend;
    clean(engine.node, of);
    let look = engine.ck(&row.want, "diff");
    let apply = engine.ck(&row.want, "apply");
    let elsewhere = apply.code == 0 && !of.there(engine.node);
    clean(engine.node, of);
    let (keep, ask, journal) = keep(engine, &row);
    if !elsewhere && apply.code == 0 {
        assert!(
            of.there(engine.node),
            "stopping leaves the chains: {} {row:?}",
            engine.kind.name()
        );
    }
    let remove = engine.ck(&row.want, "remove");
    let done = |said: &Said, good: &[i32]| match good.contains(&said.code) {
        true if elsewhere => "elsewhere".to_owned(),
        true => WORKS.to_owned(),
        false if said.stderr.contains("error: ") => said.code.to_string(),
        // The engine's own words: it was never started.
        false => "not started".to_owned(),
    };
    let cells = [done(&look, &[0, 1]), done(&apply, &[0]), keep, ask, done(&remove, &[0])];
    let said = apply.stderr + &journal;
    let right = row.yaml.iter().all(|line| said.contains(line))
        && row.works == cells.iter().all(|cell| cell == WORKS);
    let wrong =
        (!right).then(|| format!("{}: {}: {cells:?}\n{said}", engine.kind.name(), row.what));
    Line { row, engine: engine.kind.name(), cells, wrong }
}

/// A keeper in the background: are the chains there, and again after a wipe? And does it answer?
fn keep(engine: &Engine<'_>, row: &Row) -> (String, String, String) {
    let (node, of) = (engine.node, row.backend);
    let Ok(keeper) = engine.try_start(&row.want) else {
        return ("not started".into(), "-".into(), String::new());
    };
    let (mut ended, mut failed) = (false, false);
    let what = format!("{} keeps, or ends: {}, {}", engine.kind.name(), of.name(), row.what);
    eventually(&what, || {
        ended = !keeper.is_running();
        failed = keeper.logs().contains(" ERROR ");
        ended
            || failed
            || of.there(node)
            || (!row.want.host_network && keeper.exec("check").code == 0)
    });
    if ended {
        let journal = keeper.logs();
        return (keeper.stop().to_string(), "-".into(), journal);
    }
    let kept = if failed {
        "no"
    } else if of.there(node) {
        clean(node, of);
        eventually("repaired", || of.there(node));
        WORKS
    } else {
        "elsewhere"
    };
    let status = keeper.exec("status");
    let ask = if status.code == 0 { WORKS.to_owned() } else { status.code.to_string() };
    let journal = keeper.logs() + &status.stderr;
    let end = keeper.stop();
    assert_eq!(end, 0, "{}: it ends when asked\n{journal}", engine.kind.name());
    (kept.to_owned(), ask, journal)
}

fn clean(node: &Node, of: Backend) {
    node.sh(of.wipe());
    node.sh(&format!("rm -rf {0}; mkdir {0}", node.path("run")));
}

//! Nothing to do, with more and more rules of others.
mod passes;

use crate::args::Args;
use crate::result::{Line, Measured, Plot, Row, Table, Target};
use crate::samples::Samples;
use crate::world::{Foreign, Turns, in_netns, joined};
use passes::Doer;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// Rules of others.
const COUNTS: [usize; 4] = [0, 1_000, 10_000, 50_000];
/// What a namespace leaves is taken down in the background.
const BETWEEN: Duration = Duration::from_secs(2);

/// What one way took beside that many rules of others, in ms.
struct Beside {
    doer: Doer,
    times: Vec<Samples>,
}

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let mut measured = Measured {
        name: "idle".into(),
        title: "Nothing to do".into(),
        about: "All chains are in place, beside 0 to 50,000 rules of others: services of kube-proxy,\n\
                published ports of Docker (one rule in three is in POSTROUTING itself), rules in a\n\
                table of another family. Nothing changed: the question that `--watch poll` asks ten\n\
                times a second. Idle pass: each chain of ours is read and compared."
            .into(),
        ..Measured::default()
    };
    for foreign in Foreign::EACH {
        let nft = over_counts(args, "nft", foreign)?;
        measured.targets.extend(targets(foreign, &nft));
        measured.plots.extend((foreign == Foreign::KubeProxy).then(|| plot(&nft)));
        measured.tables.push(table(&format!("ms, beside rules {}", foreign.name()), &nft));
    }
    let legacy = over_counts(args, "legacy", Foreign::KubeProxy)?;
    measured.tables.push(table("ms, legacy, beside kube-proxy's", &legacy));
    Ok(measured)
}

/// A namespace for each number of rules, in turn.
fn over_counts(args: &Args, ending: &'static str, foreign: Foreign) -> anyhow::Result<Vec<Beside>> {
    let (turns, quick) = (Arc::new(Turns::among(COUNTS.len())), args.quick);
    let threads = COUNTS.iter().enumerate().map(|(who, rules)| {
        let (turns, rules) = (Arc::clone(&turns), *rules);
        in_netns(move || {
            passes::beside(ending, (foreign, rules), quick, |work| turns.take(who, work))
        })
    });
    let threads: Vec<_> = threads.collect();
    let mut all: Vec<Beside> =
        Doer::of(ending).iter().map(|doer| Beside { doer: *doer, times: vec![] }).collect();
    for thread in threads {
        all.iter_mut().zip(joined(thread)?).for_each(|(one, times)| one.times.push(times));
    }
    sleep(BETWEEN);
    Ok(all)
}

fn table(title: &str, all: &[Beside]) -> Table {
    let cells = |one: &Beside| one.times.iter().map(Samples::p50).collect::<Vec<f64>>();
    let p99 = |one: &Beside| one.times.last().map_or(f64::NAN, Samples::p99);
    let grown = |p50: &[f64]| p50.last().zip(p50.first()).map_or(f64::NAN, |(l, f)| l / f);
    let row = |one: &Beside| {
        let p50 = cells(one);
        let more = [p99(one), grown(&p50)];
        Row::numbers(one.doer.name(), p50.into_iter().chain(more))
    };
    let counts = COUNTS.map(|n| crate::text::number(n as f64));
    let more = ["p99".to_owned(), "50,000/0".to_owned()];
    Table {
        title: title.into(),
        columns: counts.into_iter().chain(more).collect(),
        rows: all.iter().map(row).collect(),
        notes: vec!["p50 for each number of rules; p99 beside the most".into()],
    }
}

fn plot(all: &[Beside]) -> Plot {
    let points = |one: &Beside| {
        let counts = COUNTS.iter().map(|n| (*n).max(100) as f64);
        counts.zip(one.times.iter().map(Samples::p50)).collect()
    };
    let line =
        |one: &Beside| Line { name: one.doer.name(), who: one.doer.who(), points: points(one) };
    Plot::Lines {
        name: "idle".into(),
        title: "Nothing to do, beside kube-proxy's rules".into(),
        x: "rules of others (none at the left edge)".into(),
        y: "ms".into(),
        lines: all.iter().map(line).collect(),
    }
}

fn targets(foreign: Foreign, all: &[Beside]) -> Vec<Target> {
    let p50 = |doer, nth: usize| {
        let found = all.iter().find(|one| one.doer == doer);
        found.and_then(|one| one.times.get(nth)).map_or(f64::NAN, Samples::p50)
    };
    let (first, last) = (0, COUNTS.len() - 1);
    let grown = p50(Doer::Pass, last) / p50(Doer::Pass, first);
    let what = format!("idle pass: 50,000 rules {} / none", foreign.name());
    let mut out = vec![Target::at_most(&what, grown, 1.2, "x")];
    if foreign == Foreign::KubeProxy {
        let check = p50(Doer::Check, last) / p50(Doer::Generation, last);
        out.push(Target::at_most("nothing changed: ours / GETGEN", check, 1.5, "x"));
    }
    out
}

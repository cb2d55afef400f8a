//! Tables and plots of it.
use super::Contender;
use super::scene::{Felt, PACE};
use crate::result::{Bar, Cell, Line, Plot, Row, Table};
use crate::samples::Samples;
use crate::world::Kind;
use std::iter;

type Count = fn(&Felt) -> usize;

fn unmasqueraded(felt: &Felt) -> usize {
    felt.unmasqueraded.len()
}

pub(super) fn tables(contenders: &[Contender]) -> Vec<Table> {
    let mut tables = vec![
        table("all wiped: not masqueraded", contenders, Kind::All, unmasqueraded),
        table("all wiped: not dropped", contenders, Kind::All, |felt| felt.undropped.len()),
        table("all wiped: connections left wrong", contenders, Kind::All, |felt| felt.left),
        table("one chain: not masqueraded", contenders, Kind::Chain, unmasqueraded),
        table("one chain: connections left wrong", contenders, Kind::Chain, |felt| felt.left),
    ];
    tables[0].notes = vec![
        format!("Packets per wipe, of {PACE} a second: each stands for {} ms.", 1000 / PACE),
        "For good: wipes after which it was still so when the keeper had had its turn,".into(),
        "and 2 s more. There the count ends with the watching.".into(),
    ];
    tables[2].notes = vec![
        "Of the connections whose first packet was not masqueraded: their next packet, with".into(),
        "the chains back, still is not. It stays so until they end.".into(),
    ];
    tables
}

fn table(title: &str, contenders: &[Contender], kind: Kind, count: Count) -> Table {
    let samples = |one: &Contender| samples(one.of(kind), count);
    let ours = contenders.first().map_or(f64::NAN, |ours| samples(ours).p50());
    let row = |one: &Contender| {
        let wipes = one.of(kind);
        let for_good = wipes.iter().filter(|felt| felt.for_good).count();
        let samples = samples(one);
        let figures = [samples.p50(), samples.p99(), samples.quantile(100), samples.p50() / ours];
        let for_good = format!("{for_good} of {}", wipes.len());
        Row::new(
            one.keeper.to_string(),
            figures.map(Cell::from).into_iter().chain([Cell::from(for_good)]),
        )
    };
    Table {
        title: title.into(),
        columns: ["p50", "p99", "max", "x ours", "for good"].map(String::from).to_vec(),
        rows: contenders.iter().map(row).collect(),
        notes: vec![],
    }
}

fn samples(wipes: &[Felt], count: Count) -> Samples {
    wipes.iter().map(|felt| count(felt) as f64).collect()
}

pub(super) fn plots(contenders: &[Contender]) -> Vec<Plot> {
    let bar = |one: &Contender| {
        let packets = samples(one.of(Kind::All), unmasqueraded);
        let (name, who) = (one.keeper.to_string(), one.keeper.who());
        Bar { name, who, p50: packets.p50(), p99: packets.p99() }
    };
    let line = |one: &Contender| Line {
        name: one.keeper.to_string(),
        who: one.keeper.who(),
        points: so_far(one.of(Kind::All), last(contenders)),
    };
    vec![
        Plot::Bars {
            name: "felt".into(),
            title: format!("Packets not masqueraded per wipe, of {PACE} a second"),
            unit: "packets".into(),
            bars: contenders.iter().map(bar).collect(),
        },
        Plot::Lines {
            name: "felt-so-far".into(),
            title: format!("Packets not masqueraded so far, mean of all wipes, {PACE} a second"),
            x: "seconds since the wipe".into(),
            y: "packets".into(),
            lines: contenders.iter().map(line).collect(),
        },
    ]
}

/// When the last wrong packet of all was sent, in ms.
fn last(contenders: &[Contender]) -> f64 {
    let wipes = contenders.iter().flat_map(|one| one.of(Kind::All));
    wipes.flat_map(|felt| &felt.unmasqueraded).copied().fold(0.0, f64::max)
}

/// At moments that are evenly apart on a logarithmic axis.
fn so_far(wipes: &[Felt], last: f64) -> Vec<(f64, f64)> {
    const STEP: f64 = 1.1;
    let first = f64::from(1000 / PACE);
    let moments = iter::successors(Some(first), |ms| Some(ms * STEP));
    let wrong: Samples = wipes.iter().flat_map(|felt| felt.unmasqueraded.clone()).collect();
    let mean = |ms| wrong.up_to(ms) as f64 / wipes.len() as f64;
    let points = moments.take_while(|ms| *ms < last * STEP).map(|ms| (ms / 1e3, mean(ms)));
    points.filter(|(_, packets)| *packets > 0.0).collect()
}

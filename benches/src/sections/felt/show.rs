//! Tables and plots of it.
use super::Contender;
use super::scene::{Felt, PACE};
use crate::result::{Bar, Line, Plot, Row, Table};
use crate::samples::Samples;
use crate::world::Kind;
use std::iter;

type Figure = fn(&Felt) -> f64;

fn unmasqueraded(felt: &Felt) -> f64 {
    felt.unmasqueraded.len() as f64
}

fn left(felt: &Felt) -> f64 {
    felt.left as f64
}

pub(super) fn tables(contenders: &[Contender]) -> Vec<Table> {
    let table = |title, kind, figure| table(title, contenders, kind, figure);
    let for_good = |kind| contenders.iter().filter_map(move |one| for_good(one, kind));
    let mut all = table("all wiped: not masqueraded", Kind::All, unmasqueraded);
    all.notes = vec![format!("Packets per wipe, of {PACE} a second.")];
    all.notes.extend(for_good(Kind::All));
    let exposed = |felt: &Felt| felt.unmasqueraded.last().copied().unwrap_or_default();
    let mut exposed = table("all wiped: exposed, ms", Kind::All, exposed);
    exposed.notes = vec!["From the wipe until the last packet that was not masqueraded.".into()];
    let mut wrong = table("all wiped: left so", Kind::All, left);
    wrong.notes = vec![
        "Connections whose first packet was not masqueraded, and whose next one still is".into(),
        "not when the chains are back: they stay so until they end.".into(),
    ];
    let mut chain = table("one chain wiped: not masqueraded", Kind::Chain, unmasqueraded);
    chain.notes = for_good(Kind::Chain).collect();
    vec![
        all,
        exposed,
        table("all wiped: not dropped", Kind::All, |felt| felt.undropped.len() as f64),
        wrong,
        chain,
        table("one chain wiped: left so", Kind::Chain, left),
    ]
}

fn table(title: &str, contenders: &[Contender], kind: Kind, figure: Figure) -> Table {
    let samples = |one: &Contender| samples(one.of(kind), figure);
    let ours = contenders.first().map_or(f64::NAN, |ours| samples(ours).p50());
    let row = |one: &Contender| {
        let samples = samples(one);
        let (p50, p99, most) = (samples.p50(), samples.p99(), samples.quantile(100));
        Row::numbers(one.keeper.to_string(), [p50, p99, most, p50 / ours])
    };
    Table {
        title: title.into(),
        columns: ["p50", "p99", "max", "x ours"].map(String::from).to_vec(),
        rows: contenders.iter().map(row).collect(),
        notes: vec![],
    }
}

/// A note where the keeper has not brought everything back.
fn for_good(one: &Contender, kind: Kind) -> Option<String> {
    let wipes = one.of(kind);
    let never = wipes.iter().filter(|felt| felt.for_good).count();
    let (keeper, of) = (&one.keeper, wipes.len());
    let note = format!(
        "{keeper}: {never} of {of} wipes were not mended by its next turn.\n\
         Packets go on being wrong there: they were no longer counted."
    );
    (never > 0).then_some(note)
}

fn samples(wipes: &[Felt], figure: Figure) -> Samples {
    wipes.iter().map(figure).collect()
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
        // A part of a packet is none.
        points: so_far(one.of(Kind::All), last(contenders))
            .into_iter()
            .filter(|(_, packets)| *packets >= 1.0)
            .collect(),
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

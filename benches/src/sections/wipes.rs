//! What follows a wipe: heard of, seen, waited for, repaired; and a repair beside its floor.
mod conditions;
mod repair;
mod series;
mod tables;

use crate::args::Args;
use crate::result::{Bar, Measured, Plot, Target, Who};
use crate::samples::Samples;
use crate::world::{Kind, Watching, alone, in_netns, joined};
use conditions::Condition;
use repair::{CHECKED, FLOOR, OURS, REPAIRERS, RESTORE, Repairs};
use series::{Plan, Series};
use std::time::Duration;

/// Wipes of each kind, told by events or asked for by poll.
const WIPES: usize = 200;
/// By legacy, which asks each second, and by default settings.
const FEW: usize = 20;
/// Under each condition.
const DISTURBED: usize = 40;
/// Repairs by each way, so long after the wipe in ms.
const REPAIRS: [(Condition, u64, usize); 6] = [
    (Condition::Alone, 0, 20),
    (Condition::Alone, 20, 40),
    (Condition::Alone, 250, 10),
    (Condition::Restore, 20, 10),
    (Condition::Cores, 20, 15),
    (Condition::Namespace, 20, 15),
];

/// All wipes that a service has repaired.
struct Wipes {
    /// Alone, told by events.
    events: Vec<Series>,
    /// Alone, by the other ways to hear of them and by default settings.
    others: Vec<Series>,
    /// By events, under the other conditions.
    disturbed: Vec<Series>,
}

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let (wipes, few) = (args.rounds(WIPES), args.rounds(FEW));
    let plan = Plan::short(Watching::Events, wipes);
    let events = alone(move || plan.run("events", &Kind::EACH))?;
    let mut others = asked(wipes, few)?;
    let default = Plan { settle: None, wipes: few, ..plan };
    others.extend(alone(move || default.run("settle 250 ms", &[Kind::All]))?);
    let mut disturbed = Vec::new();
    for condition in Condition::OTHERS {
        disturbed.extend(beside(condition, args.rounds(DISTURBED))?);
    }
    let mut repairs = Vec::new();
    for (condition, ms, rounds) in REPAIRS {
        let (delay, rounds) = (Duration::from_millis(ms), args.rounds(rounds));
        repairs.push(alone(move || repair::run(condition, delay, rounds))?);
    }
    Ok(measured(&Wipes { events, others, disturbed }, &repairs))
}

/// Poll and legacy sleep nearly always: their series run at the same time.
fn asked(wipes: usize, few: usize) -> anyhow::Result<Vec<Series>> {
    let mut threads = Vec::new();
    for way in Watching::EACH.into_iter().filter(|way| *way != Watching::Events) {
        let wipes = if way == Watching::Legacy { few } else { wipes };
        for kind in Kind::EACH {
            let plan = Plan::short(way, wipes);
            threads.push(in_netns(move || plan.run(&way.to_string(), &[kind])));
        }
    }
    let series: anyhow::Result<Vec<_>> = threads.into_iter().map(joined).collect();
    Ok(series?.into_iter().flatten().collect())
}

fn beside(condition: Condition, wipes: usize) -> anyhow::Result<Vec<Series>> {
    alone(move || {
        let neighbours = condition.begin()?;
        let plan = Plan::short(Watching::Events, wipes);
        let series = plan.run(&condition.to_string(), &Kind::EACH)?;
        neighbours.end()?;
        Ok(series)
    })
}

const ABOUT: &str = "\
A service repairs what a netlink batch (legacy: iptables-legacy) has wiped: the
rules of one chain, or everything. \"Call\" is the writer's own, from just before
it sends until the kernel has answered. The phases begin with it, and follow each
other: \"heard\", the service has read the news and named who wrote (an upper
bound, by when its story came and by the story's date, cut to milliseconds);
\"seen\", a look has shown what is missing; \"quiet\", nobody has committed for
20 ms (by default 250 ms); \"repair\": look and write. The look after it is in the
whole gap, and so in \"quiet\".";

fn about(wipes: &Wipes) -> String {
    let of = |series: Option<&Series>| series.map_or(0, |one| one.call.len());
    let Wipes { events, others, disturbed } = wipes;
    let [told, few, beside] = [events.first(), others.last(), disturbed.first()].map(of);
    format!(
        "{ABOUT}\n{told} wipes of each kind by events and by poll, {few} by legacy and by default,\n\
         {beside} under each condition."
    )
}

fn measured(wipes: &Wipes, repairs: &[Repairs]) -> Measured {
    let Wipes { events, others, disturbed } = wipes;
    let each = || events.iter().chain(others).chain(disturbed);
    let all: Vec<&Series> =
        events.iter().chain(others).filter(|one| one.kind == Kind::All).collect();
    Measured {
        name: "wipes".into(),
        title: "After a wipe".into(),
        about: about(wipes),
        tables: vec![
            tables::known(each()),
            tables::repaired(each()),
            tables::beside_kubelet(&all),
            tables::repairs(repairs, 50, tables::of_repairs(repairs)),
            tables::repairs(repairs, 99, vec![]),
        ],
        plots: plots(&all, alone_after(repairs, 20)),
        targets: targets(events, repairs),
    }
}

/// Repairs with nobody beside, so many ms after the wipe.
fn alone_after(repairs: &[Repairs], ms: u64) -> Option<&Repairs> {
    let delay = Duration::from_millis(ms);
    repairs.iter().find(|one| one.condition == Condition::Alone && one.delay == delay)
}

fn plots(gaps: &[&Series], repairs: Option<&Repairs>) -> Vec<Plot> {
    let bar = |name: &str, who, of: &Samples| Bar {
        name: name.into(),
        who,
        p50: of.p50(),
        p99: of.p99(),
    };
    let mut whole: Vec<Bar> = gaps
        .iter()
        .map(|one| bar(&format!("chainkeeper, {}", one.name), Who::Ours, &one.whole))
        .collect();
    let (name, who) = ("kubelet's minute, computed".into(), Who::Theirs);
    whole.push(Bar { name, who, p50: tables::kubelets_p50(), p99: tables::kubelets_p99() });
    let each = repairs.iter().flat_map(|one| REPAIRERS.iter().zip(&one.took));
    vec![
        Plot::Bars {
            name: "gaps".into(),
            title: "From a wipe of everything until it is repaired (settle 20 ms)".into(),
            unit: "ms".into(),
            bars: whole,
        },
        Plot::Bars {
            name: "repairs".into(),
            title: "A repair of everything, 20 ms after the wipe".into(),
            unit: "ms".into(),
            bars: each.map(|((name, who), took)| bar(name, *who, took)).collect(),
        },
    ]
}

fn targets(events: &[Series], repairs: &[Repairs]) -> Vec<Target> {
    let heard = events.iter().map(|one| one.heard.p99()).fold(f64::NAN, f64::max);
    let p50 = |of: Option<&Repairs>, way: usize| of.map_or(f64::NAN, |one| one.took[way].p50());
    let ratio = |ms: u64, one: usize, other: usize| {
        let of = alone_after(repairs, ms);
        p50(of, one) / p50(of, other)
    };
    vec![
        Target::at_most("a wipe is heard of, p99 (events, alone)", heard, 1.0, " ms"),
        Target::at_most("repair right after a wipe: ours / floor", ratio(0, OURS, FLOOR), 1.1, "x"),
        Target::at_most("repair 20 ms after: ours / floor", ratio(20, OURS, FLOOR), 1.1, "x"),
        Target::at_most("the same, looked at again / floor", ratio(20, CHECKED, FLOOR), 1.1, "x"),
        Target::at_least("iptables-nft-restore / ours", ratio(20, RESTORE, OURS), 5.0, "x"),
    ]
}

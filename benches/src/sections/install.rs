//! The first apply on an empty host, both families.
use crate::args::Args;
use crate::result::{Bar, Cell, Measured, Plot, Row, Table, Target};
use crate::samples::{Samples, timed};
use crate::world::{Programs, Way, alone, chainkeeper, nft, placed};
use chainkeeper_nft::netlink::Encoder;
use chainkeeper_nft::{Dialect, Setup};

const ROUNDS: usize = 100;

/// A way to do it, and how long the first pass took, in ms.
struct Contender {
    name: String,
    way: Way,
    /// Timed until everything is in place, not until it was looked at again.
    placed: bool,
    first: Samples,
}

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let mut all = contenders(args)?;
    let rounds = args.rounds(ROUNDS);
    for _ in 0..rounds {
        for one in &mut all {
            let (way, until) = (one.way.clone(), one.placed);
            one.first.add(alone(move || first(&way, until))?);
        }
    }
    Ok(Measured {
        name: "install".into(),
        title: "First install, both families".into(),
        about: format!(
            "{rounds} rounds; in each of them every way starts in a new network namespace in which\n\
             nobody has written yet. In process: the socket is open; everything else is timed until\n\
             all is in place. Then it is looked at again, which keeps no packet waiting and has a\n\
             row of its own. The floor is our own batch, encoded beforehand."
        ),
        tables: vec![table(&all)],
        plots: vec![Plot::Bars {
            name: "install".into(),
            title: "First install of all chains, both families".into(),
            unit: "ms".into(),
            bars: all.iter().map(bar).collect(),
        }],
        targets: targets(&all),
    })
}

fn first(way: &Way, until_placed: bool) -> anyhow::Result<f64> {
    if let (Way::Nft(setup), true) = (way, until_placed) {
        return placed(&mut nft(*setup)?);
    }
    let folder = tempfile::tempdir()?;
    let mut pass = way.open(&Programs::new(folder.path()))?;
    let (ms, done) = timed(&mut pass);
    done.map(|()| ms)
}

const FLOOR: &str = "floor: our batch, just sent";
const IN_PROCESS: &str = "chainkeeper, in process";
const CHECKED: &str = "the same, and looked at again";
const RESTORE: &str = "iptables-nft-restore, 2 processes";
const KUBELET: &str = "kubelet's sequence, iptables-nft";

fn contenders(args: &Args) -> anyhow::Result<Vec<Contender>> {
    let setup = Setup { encoder: Encoder::Pure, ..Setup::default() };
    let by = |encoder| Way::Nft(Setup { encoder, ..setup });
    let mut ways = vec![
        (FLOOR.to_owned(), Way::floor_of_first()?),
        (IN_PROCESS.to_owned(), by(Encoder::Pure)),
        (CHECKED.to_owned(), by(Encoder::Pure)),
    ];
    let others = Encoder::ALL.iter().filter(|encoder| **encoder != Encoder::Pure);
    ways.extend(others.map(|e| (format!("{IN_PROCESS}, {}", e.name()), by(*e))));
    let native = Way::Nft(Setup { dialect: Dialect::Native, ..setup });
    ways.push((format!("{IN_PROCESS}, native"), native));
    ways.push(("chainkeeper apply".into(), Way::Process(chainkeeper()?, "nft")));
    if let Some(binary) = &args.static_binary {
        ways.push(("chainkeeper apply, static".into(), Way::Process(binary.clone(), "nft")));
    }
    ways.push(("nft -f, nearest native rules".into(), Way::NftFile));
    ways.push((RESTORE.into(), Way::Restore("nft")));
    ways.push((KUBELET.into(), Way::Kubelet("nft")));
    ways.push(("chainkeeper legacy, in process".into(), Way::Legacy));
    ways.push(("chainkeeper apply, legacy".into(), Way::Process(chainkeeper()?, "legacy")));
    ways.push(("iptables-legacy-restore, 2".into(), Way::Restore("legacy")));
    ways.push(("kubelet's sequence, iptables-legacy".into(), Way::Kubelet("legacy")));
    let contender = |(name, way): (String, Way)| {
        let placed = name.starts_with(IN_PROCESS);
        Contender { name, way, placed, first: Samples::default() }
    };
    Ok(ways.into_iter().map(contender).collect())
}

fn p50(all: &[Contender], name: &str) -> f64 {
    let found = all.iter().find(|one| one.name == name);
    found.map_or(f64::NAN, |one| one.first.p50())
}

fn table(all: &[Contender]) -> Table {
    let (floor, ours) = (p50(all, FLOOR), p50(all, IN_PROCESS));
    let row = |one: &Contender| {
        let (p50, p99) = (one.first.p50(), one.first.p99());
        Row::new(&one.name, [p50, p99, p50 / floor, p50 / ours].map(Cell::from))
    };
    Table {
        title: "ms".into(),
        columns: ["p50", "p99", "x floor", "x ours"].map(String::from).to_vec(),
        rows: all.iter().map(row).collect(),
        notes: vec![],
    }
}

fn bar(one: &Contender) -> Bar {
    Bar { name: one.name.clone(), who: one.way.who(), p50: one.first.p50(), p99: one.first.p99() }
}

fn targets(all: &[Contender]) -> Vec<Target> {
    let of = |name| p50(all, name);
    let (floor, ours) = (of(FLOOR), of(IN_PROCESS));
    vec![
        Target::at_least(
            "first install: kubelet's sequence / ours",
            of(KUBELET) / ours,
            100.0,
            "x",
        ),
        Target::at_most("first install: ours / floor", ours / floor, 1.5, "x"),
        Target::at_most("the same, and looked at again / floor", of(CHECKED) / floor, 1.5, "x"),
    ]
}

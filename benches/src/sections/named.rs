//! Who is named for a wipe: the process that made it, another, or nobody.
//!
//! Each wipe is made by a process of its own with a name of its own, which lives on for a while or ends at
//! once; in one scene this process makes a commit that takes nothing while that one starts. A single name is
//! a claim: it is right, or wrong. Several names claim that it was one of them.
use crate::args::Args;
use crate::result::{Measured, Row, Table};
use crate::world::{Kind, Service, Told, Watching, Writer, alone};
use anyhow::ensure;
use chainkeeper::culprit::Culprit;
use chainkeeper::story::Gap;
use std::process::Command;
use std::thread;
use std::time::Duration;

const WIPES: usize = 50;
/// Name and milliseconds of life of a process that wipes.
const WRITER: &str = "BENCH_WRITER";

/// This is such a process.
pub(crate) fn is_writer() -> bool {
    std::env::var_os(WRITER).is_some()
}

/// What it does.
pub(crate) fn write() -> anyhow::Result<()> {
    let words = std::env::var(WRITER)?;
    let (name, life) = words.split_once(' ').unwrap_or((&words, "0"));
    std::fs::write("/proc/self/comm", name)?;
    Writer::nft()?.wipe(Kind::Chain)?;
    thread::sleep(Duration::from_millis(life.parse()?));
    Ok(())
}

/// Whose story it is.
#[derive(Debug, Clone, Copy)]
struct Scene {
    words: &'static str,
    /// The writer lives on for so many milliseconds.
    life: u32,
    /// Somebody else commits shortly before.
    bystander: bool,
}

const SCENES: [Scene; 3] = [
    Scene { words: "alive 100 ms later", life: 150, bystander: false },
    Scene { words: "alive, after a bystander", life: 150, bystander: true },
    Scene { words: "ends at once", life: 0, bystander: false },
];

/// How a story may name whoever it was.
const NAMED: [&str; 5] = ["right", "only name", "one of", "wrong", "unknown"];
const RIGHT: usize = 0;
/// The name is right, and no process is named.
const ONLY_NAME: usize = 1;
/// Several may have done it, and the one who did is among them.
const ONE_OF: usize = 2;
/// All who are named are others.
const WRONG: usize = 3;
const UNKNOWN: usize = 4;

pub(crate) fn measure(args: &Args) -> anyhow::Result<Measured> {
    let wipes = args.rounds(WIPES);
    let mut rows = Vec::new();
    for scene in SCENES {
        let score = alone(move || score(scene, wipes))?;
        let shares = score.map(|times| times as f64 * 100.0 / wipes as f64);
        rows.push(Row::numbers(scene.words, shares));
    }
    Ok(Measured {
        name: "named".into(),
        title: "Who is named for a wipe".into(),
        about: format!(
            "Told by events, {wipes} wipes of one chain in each scene. Each is made by a process\n\
             with a name of its own, which lives on for a while or ends at once. \"Only name\":\n\
             the name is right, and no process is named; \"one of\": some may have done it, and\n\
             it is among them; \"unknown\": nobody is named, or not all who may have done it.\n\
             Poll and legacy name nobody: nothing tells them who."
        ),
        tables: vec![Table {
            title: "percent of wipes".into(),
            columns: NAMED.map(String::from).to_vec(),
            rows,
            notes: vec![],
        }],
        ..Measured::default()
    })
}

fn score(scene: Scene, wipes: usize) -> anyhow::Result<[usize; 5]> {
    let service = Service::start(Watching::Events, Some("20ms"))?;
    let mut bystander = Writer::nft()?;
    let mut score = [0; 5];
    for nth in 0..wipes {
        let name = format!("wiper-{nth}");
        let mut writer = Command::new(std::env::current_exe()?);
        writer.env(WRITER, format!("{name} {}", scene.life));
        thread::sleep(Watching::Events.pace().1);
        if scene.bystander {
            bystander.innocent()?;
        }
        let mut writer = writer.spawn()?;
        let told = service.gap();
        let (pid, ended) = (writer.id(), writer.wait()?);
        ensure!(ended.success(), "a writer failed");
        let Told { gap, .. } = told?;
        score[verdict(&gap, &name, pid)] += 1;
    }
    Ok(score)
}

fn verdict(gap: &Gap, name: &str, pid: u32) -> usize {
    let [suspects] = &gap.by[..] else { return UNKNOWN };
    let is_it = |one: &Culprit| {
        one.name.as_deref() == Some(name) && one.process.as_ref().is_none_or(|p| p.pid == pid)
    };
    match &suspects.any_of[..] {
        [] => UNKNOWN,
        _ if suspects.incomplete => UNKNOWN,
        [one] if is_it(one) && one.process.is_some() => RIGHT,
        [one] if is_it(one) => ONLY_NAME,
        all if all.iter().any(is_it) => ONE_OF,
        _ => WRONG,
    }
}

//! Scripts that flush and build again step by step, with pauses, while both cores are busy.
use crate::beside::{is_whole, loaded, of_others, service, shapes};
use crate::support::{Host, On, Said, at_once, within};
use crate::trust::{Row, many, seed};
use chainkeeper_contract::testing::Dice;
use std::sync::Mutex;

/// The default `--settle`.
const SETTLE: f64 = 0.25;
/// The longest pause of a script, in ms.
const PAUSE: usize = 100;

/// How it went beside us.
enum Went {
    Well,
    /// It failed; and it had stood still for longer than `--settle`, which was none of its pauses.
    HeldUp,
    Lost(String),
}

/// Says when each command began and ended, without a fork; pauses in between.
fn script(shape: &shapes::Shape, dice: &mut Dice) -> String {
    let clock =
        "clock() { read -r up rest </proc/uptime; echo \"clock $up\"; }\ntrap clock EXIT\nclock\n";
    let commands = shape.commands.iter().map(|command| {
        let ms = dice.roll(PAUSE + 1);
        format!("{command}\nclock\nsleep 0.{ms:03}\nclock\n")
    });
    format!("{clock}{}", commands.collect::<String>())
}

/// The longest time from a command's beginning to the next one's end, and so the most that two commits were apart.
fn still(said: &Said) -> f64 {
    let times =
        said.stdout.lines().filter_map(|line| line.strip_prefix("clock ")?.parse::<f64>().ok());
    let times: Vec<f64> = times.collect();
    // The clock has hundredths.
    times.windows(4).step_by(2).map(|four| four[3] - four[0] + 0.01).fold(0.0, f64::max)
}

fn flush(host: &Host, twin: &Host, shape: &shapes::Shape, dice: &mut Dice) -> Went {
    within(60, "all is in place", || is_whole(host, ""));
    twin.ck_ok("apply", 0);
    let text = script(shape, dice);
    let [said, alone] = [host, twin].map(|host| host.try_sh(&text));
    let what = || format!("{}\n{text}\nwith us {said:?}\nwithout {alone:?}", shape.name);
    if said.code != alone.code {
        return if still(&said) >= SETTLE { Went::HeldUp } else { Went::Lost(what()) };
    }
    within(60, "all is in place after it", || is_whole(host, ""));
    match of_others(host) == of_others(twin) {
        true => Went::Well,
        false if still(&said) >= SETTLE => Went::HeldUp,
        false => Went::Lost(format!("{}\nit set up another thing", what())),
    }
}

/// Lost: a script that ended otherwise than without us, or left another thing behind, although no two of its commits
/// were further apart than `--settle`; more than a third put aside, since they were.
fn scripts(row: &mut Row, on: On, each: usize) -> String {
    let seed = seed();
    let held_up = Mutex::new(0);
    let all = Mutex::new(row);
    at_once(0..2, |lane| {
        let (host, twin) = (Host::of(on), Host::of(on));
        let _busy = (lane == 0).then(|| loaded(&host));
        let _run = service(&host, "--on-conflict insist");
        let mut dice = Dice::seeded(seed.wrapping_add(lane), 100 * each);
        let shapes = shapes::all(on);
        for n in 0..each {
            let shape =
                if n + 1 < each { dice.pick(&shapes) } else { shapes[shapes.len() - 1].clone() };
            let went = flush(&host, &twin, &shape, &mut dice);
            let mut row = all.lock().expect("nobody has panicked");
            match went {
                Went::Well => row.tried(1),
                Went::HeldUp => *held_up.lock().expect("nobody has panicked") += 1,
                Went::Lost(how) => row.one(false, || format!("seed {seed}, lane {lane}: {how}")),
            }
        }
    });
    let held_up = held_up.into_inner().expect("nobody has panicked");
    if 3 * held_up > 2 * each {
        let row = all.into_inner().expect("nobody has panicked");
        row.lost(format!("seed {seed}: {held_up} of {} were put aside", 2 * each));
    }
    format!(
        "seed {seed}, pauses up to {PAUSE} ms; aside: {held_up} that the machine held up for longer than --settle"
    )
}

#[test]
fn no_script_that_takes_its_time_is_broken_on_nft() {
    let mut row = Row::new("scripts that flush with pauses, on busy cores: nft", "scripts");
    let notes = scripts(&mut row, On::Nft, many(3, 30));
    row.end(&notes);
}

#[test]
fn no_script_that_takes_its_time_is_broken_on_legacy() {
    let mut row =
        Row::new("scripts that flush with pauses, on busy cores: iptables-legacy", "scripts");
    let notes = scripts(&mut row, On::Legacy, many(3, 30));
    row.end(&notes);
}

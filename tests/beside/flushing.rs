//! Scripts that flush, beside the service with its default `--settle`: each ends well, and with what it
//! would have set up without us.
use super::shapes::{Shape, all};
use super::{is_whole, loaded, of_others, service};
use crate::support::{Host, On, Said, eventually};

/// Half of the default `--settle`: a script of which every command takes less is never in pause for
/// `--settle`, wherever in a command its commit lies.
const AT_ONCE: f64 = 0.125;
/// Machines may stop for a while; a test that was stopped proves nothing.
const TRIES: usize = 10;

/// Many flushes in half a minute are a fight, and that is another test's.
const INSIST: &str = "--on-conflict insist";

/// A host and its twin, which never meets the service.
struct Pair {
    host: Host,
    twin: Host,
}

impl Pair {
    fn of(on: On) -> Pair {
        Pair { host: Host::of(on), twin: Host::of(on) }
    }

    /// Runs the script here and there. What it says here, and what it sets up there, must be the same.
    fn run(&self, shape: &Shape, between: &str) {
        let what = format!("{} ({between})", shape.name);
        for _ in 0..TRIES {
            eventually("all is in place", || is_whole(&self.host, ""));
            let said = self.host.try_sh(&script(shape, between));
            self.twin.ck_ok("apply", 0);
            self.twin.sh(&script(shape, ""));
            if said.code != 0 && longest(&said) >= AT_ONCE {
                continue; // it was held up by others than us
            }
            assert_eq!(said.code, 0, "{what}\n{}{}", said.stdout, said.stderr);
            eventually("all is in place after it", || is_whole(&self.host, ""));
            assert_eq!(of_others(&self.host), of_others(&self.twin), "{what}");
            return;
        }
        panic!("{what}: this machine was never undisturbed for {AT_ONCE} s");
    }
}

/// Says when each command began, without a fork.
fn script(shape: &Shape, between: &str) -> String {
    let clock =
        "clock() { read -r up rest </proc/uptime; echo \"clock $up\"; }\ntrap clock EXIT\nclock\n";
    let commands = shape.commands.iter().map(|c| format!("{c}\nclock\n{between}\n"));
    format!("{clock}{}", commands.collect::<String>())
}

/// How long the longest command took, or pause; also the one that failed.
fn longest(said: &Said) -> f64 {
    let times = said.stdout.lines().filter_map(|l| l.strip_prefix("clock ")?.parse::<f64>().ok());
    let times: Vec<f64> = times.collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

/// Between two commands. Legacy tables are looked at each second, and a script has to be at work then.
fn pause(on: On) -> &'static str {
    match on {
        On::Nft => "",
        On::Legacy => "sleep 0.05",
    }
}

/// Every shape, `rounds` times; one of them with pauses that are too short to matter.
fn every_shape(on: On, words: &str, rounds: usize) {
    let pair = Pair::of(on);
    let run = service(&pair.host, &format!("{INSIST} {words}"));
    for shape in (0..rounds).flat_map(|_| all(on)) {
        pair.run(&shape, pause(on));
    }
    let short = all(on).into_iter().find(|shape| shape.name == "and once more");
    let short = short.expect("it is in the list");
    for between in ["sleep 0", "sleep 0.1"] {
        pair.run(&short, between);
    }
    drop(run);
}

#[test]
fn no_script_that_flushes_is_broken_by_us_when_the_kernel_tells_of_commits() {
    every_shape(On::Nft, "--watch events", 2);
}

#[test]
fn no_script_that_flushes_is_broken_by_us_when_commits_are_asked_for() {
    every_shape(On::Nft, "--watch poll", 1);
}

#[test]
fn no_script_that_flushes_legacy_tables_is_broken_by_us() {
    every_shape(On::Legacy, "", 1);
}

#[test]
fn nor_is_one_while_both_cores_are_busy() {
    for on in On::BOTH {
        let pair = Pair::of(on);
        let _busy = loaded(&pair.host);
        let _run = service(&pair.host, INSIST);
        for shape in all(on) {
            pair.run(&shape, pause(on));
        }
    }
}

//! Nine writers, two services and a loop of `apply` at once, for minutes.
mod between;
mod fleet;
mod raw;

use super::{Row, minutes, seed};
use crate::support::{Host, On, PROGRAM, comes_true};
use fleet::{KINDS, Work};
use std::collections::BTreeMap;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Repairs at once and for ever, whoever undoes it.
const RUN: &str = "run --settle 0 --on-conflict insist";

/// Reads all the time, until then. What is there twice was written on a stale look, however soon it goes again.
fn read(host: &Host, whole: &[String], until: Instant) -> Work {
    let mut work = Work::new("reader");
    while Instant::now() < until {
        let ended = host.try_sh(&listing(host));
        work.writes += 1;
        if ended.code != 0 {
            work.failed(&ended.stderr);
        }
        let there = ours(&ended.stdout);
        let times = |lines: &[String], line: &String| lines.iter().filter(|l| *l == line).count();
        let twice = there.iter().find(|line| times(&there, line) > times(whole, line));
        twice.into_iter().for_each(|line| work.failed(&format!("ours is there twice: {line}")));
    }
    work
}

/// All writers, until then; and one that reads, and knows what is there of ours when it is whole.
fn writers(host: &Host, whole: &[String], seed: u64, until: Instant) -> Vec<Work> {
    scope(|scope| {
        let reader = scope.spawn(move || read(host, whole, until));
        let raw = (host.on() == On::Nft)
            .then(|| scope.spawn(move || host.inside(|| raw::work(seed, until))));
        let kinds = KINDS.iter().filter(|kind| kind.takes_part(host.on())).zip(1..);
        let all: Vec<_> =
            kinds.map(|(kind, n)| scope.spawn(move || kind.work(host, seed + n, until))).collect();
        let all = all.into_iter().chain(raw).chain([reader]);
        all.map(|thread| thread.join().expect("a writer ends")).collect()
    })
}

/// Shows what writers have.
fn listing(host: &Host) -> String {
    let [v4, v6] = host.on().both_iptables();
    let nft = if host.on() == On::Nft {
        "; nft list table inet theirs; nft list table inet bag"
    } else {
        ""
    };
    format!("{v4}-save; {v6}-save{nft}")
}

/// The chains and rules of ours in a listing, sorted: each that is there twice is in it twice. Without our own canary:
/// in legacy, who has another state file does not know that kubelet's is ours, and makes it (0006).
fn ours(listing: &str) -> Vec<String> {
    let ours = |l: &&str| l.contains("KUBE-");
    // A writer's rule among ours has a port, and none of ours has.
    let mine = |l: &&str| !l.contains("--dport");
    let lines = listing.lines().filter(ours).filter(mine);
    let mut lines: Vec<String> =
        lines.map(|l| l.split(" [").next().unwrap_or(l).to_owned()).collect();
    lines.sort();
    lines
}

/// A loop of `apply`: how often, how often it gave up since others were faster, and what else it said.
fn applies(host: &Host, until: Instant) -> (usize, usize, Vec<String>) {
    let (mut done, mut busy, mut odd) = (0, 0, vec![]);
    while Instant::now() < until {
        let said = host.ck("apply");
        done += 1;
        let faster =
            ["somebody else committed", "others committed"].iter().any(|w| said.stderr.contains(w));
        match said.code {
            0 => {}
            _ if faster => busy += 1,
            _ => odd.push(format!("apply: {said:?}")),
        }
    }
    (done, busy, odd)
}

/// How often each command failed that failed, by its writer and what it said.
fn failures(all: &[Work]) -> BTreeMap<String, usize> {
    all.iter().flat_map(|work| work.failed.clone()).collect()
}

/// A host with everything of ours, and what the writers write to.
fn prepared(on: On) -> Host {
    let host = Host::of(on);
    host.ck_ok("apply", 0);
    KINDS.iter().filter(|kind| kind.takes_part(on)).for_each(|kind| kind.prepare(&host));
    host
}

fn race(on: On, mut row: Row) {
    let seed = seed();
    // What goes wrong without us is not our doing.
    let (quiet, host) = (prepared(on), prepared(on));
    let whole = ours(&host.sh(&listing(&host)));
    let alone = writers(&quiet, &whole, seed, Instant::now() + minutes() / 4);
    let listed = quiet.sh(&listing(&quiet));
    let lost_alone = alone.iter().filter_map(|work| work.differs(&listed)).count();

    let folder = host.state().with_file_name("second");
    std::fs::create_dir(&folder).expect("the host's folder");
    let own = folder.to_str().expect("UTF-8");
    let run = host.start(PROGRAM, &format!("{RUN} --metrics-bind-address 9253"));
    let second = host.start_with(
        PROGRAM,
        &format!("{RUN} --backend {}", on.name()),
        &[("STATE_DIRECTORY", own), ("RUNTIME_DIRECTORY", own)],
    );
    host.ck_ok("check --live --wait 10s", 0);
    let until = Instant::now() + minutes();
    let (together, (applied, busy, odd)) = scope(|scope| {
        let applies = scope.spawn(|| applies(&host, until));
        (writers(&host, &whole, seed, until), applies.join().expect("it ends"))
    });
    drop(second);

    let sync = comes_true(10, || host.ck("check").code == 0);
    row.one(sync, || format!("not in sync after 10 s: {}", host.ck("check").stdout));
    let writes = host.writes();
    sleep(Duration::from_secs(3));
    row.one(writes == host.writes(), || "somebody goes on writing".into());
    let listed = host.sh(&listing(&host));
    row.one(ours(&listed) == whole, || format!("ours: {:#?}\nnot {whole:#?}", ours(&listed)));
    for work in &together {
        row.tried(work.writes);
        work.differs(&listed).into_iter().for_each(|how| row.lost(format!("seed {seed}: {how}")));
    }
    odd.into_iter().for_each(|how| row.lost(how));
    let journal = run.journal();
    row.one(!journal.contains("panicked") && !journal.contains("still there is to do"), || {
        journal.clone()
    });
    let without = failures(&alone);
    let with = failures(&together);
    println!("failed without us: {without:#?}\nand with us: {with:#?}");
    for (what, times) in with.iter().filter(|(what, _)| !without.contains_key(*what)) {
        row.lost(format!("seed {seed}: failed {times} times, and never without us: {what}"));
    }
    let scrape = host.scrape();
    let (commits, restarts) = (scrape.sum("commits_total"), scrape.at("commit_restarts_total"));
    let failed = |all: BTreeMap<String, usize>| all.into_values().sum::<usize>();
    row.end(&format!(
        "seed {seed}, {:.1} min; run: {commits} commits, {restarts} begun anew; apply: {applied}, {busy} gave up; \
         others' commands that failed: {} with us, {} without us in a quarter of the time; ledgers wrong without us: \
         {lost_alone}",
        minutes().as_secs_f64() / 60.0,
        failed(with),
        failed(without),
    ));
}

/// A loss: a rule of a writer that is not there, is there twice or in another order than it was written; a rule of ours
/// that is there twice or not at all; not in sync 10 s after the last write; a write in the 3 s after that; a command
/// of theirs that fails as it never does without us; a word of ours that is no reason.
#[test]
fn all_at_once_on_nft() {
    race(
        On::Nft,
        Row::new("nine writers, two services and a loop of `apply` at once, nft", "writes"),
    );
}

/// The same, but for what only nf_tables has.
#[test]
fn all_at_once_on_legacy() {
    race(
        On::Legacy,
        Row::new("six writers, two services and a loop of `apply` at once, legacy", "writes"),
    );
}

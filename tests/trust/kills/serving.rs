//! `run` is killed while it repairs: at each system call of the thread that writes, and of the one that listens.
use super::super::many;
use super::calls::{Call, Fate, logged};
use super::story::{Start, Story};
use super::tables::{Tables, Way};
use super::{Row, Trial, seed, some};
use crate::support::{Host, On, PROGRAM, Running, comes_true, eventually};
use chainkeeper_contract::testing::Dice;
use std::thread::sleep;
use std::time::Duration;

/// What is taken from each family: one commit for each table.
const FLUSH: &str =
    "*filter\n-F KUBE-FIREWALL\nCOMMIT\n*nat\n-F KUBE-MARK-MASQ\n-F KUBE-POSTROUTING\nCOMMIT\n";

/// As the kernel calls the thread that writes, and the first one, which listens.
const THREADS: [&str; 2] = ["keeper", "chainkeeper"];

fn flush(host: &Host, on: On) {
    for tool in on.both_iptables() {
        let wait = if on == On::Legacy { "-w 5" } else { "" };
        host.feed(&format!("{tool}-restore {wait} --noflush"), FLUSH).1.expect("flushed");
    }
}

/// Starts the service and waits until it is at rest.
fn started(host: &Host) -> Running {
    let run = host.start(PROGRAM, "run --settle 0 --on-conflict insist --sync-period 200ms");
    host.ck_ok("check --live --wait 10s", 0);
    run
}

/// strace(1) with these words on that thread of a program.
fn trace(host: &Host, run: &Running, thread: &str, words: &str) -> Running {
    let tid = run.thread(thread);
    let strace = host.start("strace", &format!("{} -p {tid}", words.trim_start_matches("strace ")));
    eventually("strace watches", || strace.journal().contains("attached"));
    strace
}

/// A repair that nothing happens to: its calls, and what there is before and after.
fn undisturbed(story: Story, thread: &str) -> (Trial, Vec<Call>) {
    let host = story.host();
    let run = started(&host);
    let to = Tables::of(&host);
    let log = host.state().with_file_name("calls");
    let mut strace = trace(&host, &run, thread, &format!("-o {}", log.display()));
    flush(&host, story.on);
    eventually("it is repaired", || Tables::of(&host) == to);
    sleep(Duration::from_millis(100)); // what it tells of it
    strace.signal("INT");
    strace.ended();
    drop(run);
    flush(&host, story.on);
    let from = Tables::of(&host);
    let text = std::fs::read_to_string(&log).expect("strace wrote it");
    (Trial { way: Way { story, from, to: to.clone() }, goal: to, look: Tables::of }, logged(&text))
}

/// Kills it at that call; false if it did not come to it.
fn killed(trial: &Trial, thread: &str, call: &Call, row: &mut Row) -> bool {
    let host = trial.way.story.host();
    let mut run = started(&host);
    let _strace = trace(&host, &run, thread, &call.strace(Fate::Killed, &host));
    flush(&host, trial.way.story.on);
    comes_true(10, || run.is_over() || Tables::of(&host) == trial.way.to);
    if !comes_true(1, || run.is_over()) {
        return false;
    }
    if run.ended() != -1 {
        row.one(false, || format!("{thread} of {:?}: {call}: {}", trial.way.story, run.journal()));
        return true;
    }
    eventually("the lock is let go", || host.lock_is_free());
    let now = Tables::of(&host);
    // The two families were taken one after the other, so they may come back so.
    let wrong = trial.way.wrong(&now, false).or_else(|| trial.next(&host));
    row.one(wrong.is_none(), || format!("{thread} of {:?}: {call}: {wrong:?}", trial.way.story));
    true
}

/// Fails that call of a repair. It has to go on, and repair all the same. False if it did not come to it.
fn failed(trial: &Trial, thread: &str, (call, fate): &(Call, Fate), row: &mut Row) -> bool {
    let host = trial.way.story.host();
    let mut run = started(&host);
    let _strace = trace(&host, &run, thread, &call.strace(*fate, &host));
    flush(&host, trial.way.story.on);
    let repaired = comes_true(20, || run.is_over() || Tables::of(&host).is(&trial.way.to));
    // The call may be that by which this question is read: it is asked again.
    let alive = !run.is_over() && comes_true(5, || host.ck("check --live").code == 0);
    let journal = run.journal();
    if journal.contains("failed to wake I/O driver") {
        return false; // an eventfd that does not wait: no kernel fails to write to it
    }
    if !comes_true(1, || fate.came(&host)) {
        return false;
    }
    let well = repaired && alive && !journal.contains("panicked");
    row.one(well, || {
        format!("{thread} of {:?}: {call} {fate:?}: {repaired} {alive}\n{journal}", trial.way.story)
    });
    true
}

/// Each thread on each backend.
fn threads() -> impl Iterator<Item = (Story, &'static str)> {
    On::BOTH.into_iter().flat_map(|on| {
        THREADS.map(|thread| (Story { on, start: Start::Whole, command: "run" }, thread))
    })
}

#[test]
fn calls_of_a_repair_fail() {
    let what = "system calls of a repair by `run` failed, drawn by chance, both backends";
    let (mut row, seed) = (Row::new(what, "faults"), seed());
    let (mut dice, mut missed) = (Dice::seeded(seed, 1000), 0);
    for (story, thread) in threads() {
        let (trial, calls) = undisturbed(story, thread);
        for _ in 0..many(4, 25) {
            let call = dice.pick(&calls);
            let Some(fate) = call.failures().first().map(|_| dice.pick(&call.failures())) else {
                continue;
            };
            missed += usize::from(!failed(&trial, thread, &(call, fate), &mut row));
        }
    }
    row.end(&format!("{missed} not reached, seed {seed}"));
}

#[test]
fn run_is_killed_at_each_call_of_a_repair() {
    let mut row = Row::new("`run` killed at each system call of a repair, both backends", "kills");
    let (seed, mut missed) = (seed(), 0);
    let mut dice = Dice::seeded(seed, 1000);
    for (story, thread) in threads() {
        let (trial, calls) = undisturbed(story, thread);
        for call in some(&calls, 4, &mut dice) {
            missed += usize::from(!killed(&trial, thread, &call, &mut row));
        }
    }
    row.end(&format!("{missed} calls that were not made again, seed {seed}"));
}

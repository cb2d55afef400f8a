//! A tool of legacy's is killed at each of its system calls: of IPv4, while that of IPv6 does its work. What rules have
//! counted does not count here: iptables-legacy puts a table in its place by one call, and what its rules had counted by
//! the next; killed in between, it leaves them at zero, whoever has started it.
use super::calls::{Call, Fate, logged};
use super::story::{Start, Story};
use super::tables::Tables;
use super::{Row, Trial, seed, some};
use crate::support::{Host, On, eventually};
use chainkeeper_contract::testing::Dice;
use std::time::Instant;

/// From now on IPv4's tool of that kind is started with these words before it.
fn doctor(host: &Host, kind: &str, before: &str) {
    let script =
        format!("case $0 in *ip6*) ;; *) real=\"{before} $real\" ;; esac; exec $real \"$@\"");
    host.doctor(kind, &script);
}

/// What it calls when nothing happens to it.
fn undisturbed(story: Story, kind: &str) -> Vec<Call> {
    let host = story.host();
    doctor(&host, kind, "strace -o $here/log");
    host.ck_ok(story.command, 0);
    logged(&host.left("log")).split_off(1)
}

/// False: the tool did not come to that call.
fn play(trial: &Trial, kind: &str, call: &Call, row: &mut Row) -> bool {
    let host = trial.way.story.host();
    doctor(&host, kind, &call.strace(Fate::Killed, &host));
    let begun = Instant::now();
    let said = host.ck(trial.way.story.command);
    eventually("the lock is let go", || host.lock_is_free());
    if !Fate::Killed.came(&host) {
        return false;
    }
    let now = (trial.look)(&host);
    let wrong = trial.way.wrong(&now, false);
    let wrong = wrong.or_else(|| trial.misbehaved(&said, call, begun.elapsed(), &now));
    host.heal();
    let wrong = wrong.or_else(|| trial.next(&host));
    row.one(wrong.is_none(), || {
        format!("{kind} of {:?}: {call}: {wrong:?}\n{said:?}", trial.way.story)
    });
    true
}

#[test]
fn a_tool_is_killed_at_each_call() {
    let what = "iptables-legacy-save and -restore killed at each system call, the one under `apply`, the other under `remove`";
    let (mut row, seed) = (Row::new(what, "kills"), seed());
    let (mut dice, mut missed) = (Dice::seeded(seed, 1000), 0);
    for (start, command, kind) in
        [(Start::Damaged, "apply", "save"), (Start::Whole, "remove", "restore")]
    {
        let story = Story { on: On::Legacy, start, command };
        let (trial, _) = Trial::new(story, |host| Tables::of(host).uncounted());
        for call in some(&undisturbed(story, kind), 6, &mut dice) {
            missed += usize::from(!play(&trial, kind, &call, &mut row));
        }
    }
    row.end(&format!("{missed} not reached, seed {seed}"));
}

//! Many changes, few lines, and no change that is not counted.
use super::{Host, keeping, repair};
use crate::support::{PROGRAM, Running, eventually};
use chainkeeper::story::{Outcome, What};

/// How often it was said, one by one and in sums.
fn said(run: &Running, words: &str) -> (usize, usize) {
    let (mut single, mut summed) = (0, 0);
    let journal = run.journal();
    for line in journal.lines().filter(|l| l.contains(words)) {
        let sum = line.split_once(" (said ").map(|(_, rest)| rest.split(' ').next());
        match sum {
            None => single += 1,
            Some(Some("once")) => summed += 1,
            Some(n) => summed += n.and_then(|n| n.parse::<usize>().ok()).expect("a number"),
        }
    }
    (single, summed)
}

#[test]
fn repairs_that_are_undone_again_and_again_are_counted() {
    let host = Host::new();
    let mut run = keeping(&host, PROGRAM, "run --settle 1ms --on-conflict insist");
    for _ in 0..60 {
        repair(&host);
    }
    let repaired = |what: &What| match what {
        What::Gap(gap) => matches!(gap.outcome, Outcome::Repaired { .. }),
        What::Yielded { .. }
        | What::Flows(_)
        | What::Recovered { .. }
        | What::Paused { .. }
        | What::Resumed { .. } => false,
    };
    let told = host.events().iter().filter(|e| repaired(&e.what)).count();
    assert!(told >= 60, "{told}");
    run.signal("TERM");
    assert_eq!(run.ended(), 0);
    eventually("all is read", || run.journal().contains("more in "));
    let (single, summed) = said(&run, "repaired ip filter KUBE-FIREWALL: ");
    assert!((10..=20).contains(&single), "{single}\n{}", run.journal());
    assert_eq!(single + summed, told, "{}", run.journal());
    let lines = run.journal().lines().count();
    assert!(lines < 40, "{lines}\n{}", run.journal());
}

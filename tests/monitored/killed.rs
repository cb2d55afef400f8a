//! The service is killed at any moment of its work, again and again.
use super::wipe::{Kind, Lines, Whole, Wipe, whole};
use super::{quick, started};
use crate::support::{Host, On, PROGRAM, eventually};
use chainkeeper_contract::Family;
use chainkeeper_contract::testing::Dice;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn killed_two_hundred_times_on_nft_it_leaves_no_half_of_anything() {
    killed(On::Nft, 200);
}

#[test]
fn killed_forty_times_on_legacy_it_leaves_no_half_of_anything() {
    killed(On::Legacy, 40);
}

/// All that one commit takes.
const KINDS: [Kind; 6] =
    [Kind::Everything, Kind::Table, Kind::Flush, Kind::Delete, Kind::Rule, Kind::Jump];

/// Of both families, each as one commit may leave it.
struct Possible(Vec<(Family, Vec<Lines>)>);

impl Possible {
    /// What is there now.
    fn check(&self, host: &Host, when: &str) -> Whole {
        let all = whole(host);
        for (family, possible) in &self.0 {
            let now = &all[family];
            let different: BTreeSet<_> = now.iter().collect();
            assert_eq!(different.len(), now.len(), "{when}: something is there twice: {now:#?}");
            assert!(possible.contains(now), "{when}: {family} is half of something: {now:#?}");
        }
        all
    }
}

fn killed(on: On, rounds: usize) {
    let (mut dice, host) = (Dice::seeded(7, rounds * 400), Host::of(on));
    drop(started(&host, quick(on))); // killed, too, but after its first pass
    let all = whole(&host);
    let (kinds, began) = (if on == On::Nft { &KINDS[..] } else { &KINDS[1..] }, Instant::now());
    let (mut left, mut early, mut now) = (0, 0, all.clone());
    for round in 1..=rounds {
        let wipe = Wipe::random(&mut dice, kinds, on, &all);
        let before = now;
        // In its first pass, or in the repair that follows the wipe.
        let ready = dice.one_in(2);
        let words = format!("run {} --settle 0", quick(on).replace("--settle 10ms", ""));
        let run = host.start(PROGRAM, &words);
        if ready {
            // The file that the killed one has left keeps nobody from asking this one.
            eventually("it serves", || host.status().is_some_and(|s| s.looked_ms.is_some()));
        } else {
            sleep(Duration::from_micros(dice.roll(40_000) as u64));
        }
        let possible = |family: &Family| {
            let (before, all) = (&before[family], &all[family]);
            // Kubelet's hint is written after the others: it tells which backend is in use.
            let hint = |line: &&(_, String)| !line.1.contains("KUBE-IPTABLES-HINT");
            let later: Lines = all.iter().filter(hint).cloned().collect();
            let taken = [before, all, &later].map(|lines| wipe.after(*family, lines));
            let mut lines = vec![before.clone(), all.clone(), later];
            lines.extend(taken);
            (*family, lines)
        };
        let possible = Possible(Family::ALL.iter().map(possible).collect());
        let (watched, late) = (dice.one_in(8), dice.one_in(2));
        let taken = std::thread::scope(|scope| {
            let wiper = scope.spawn(|| wipe.commit(&host, &all).is_some());
            if watched {
                possible.check(&host, &format!("round {round}, at work, {wipe:?}"));
            }
            // Before, during or after the wipe; or in the repair.
            while late && !wiper.is_finished() {
                sleep(Duration::from_micros(50));
            }
            let most = match on {
                On::Nft if late => 2_000,
                On::Nft => 10_000,
                On::Legacy => 60_000,
            };
            sleep(Duration::from_micros(dice.roll(most) as u64));
            drop(run); // SIGKILL
            wiper.join().expect("it ends")
        });
        if on == On::Legacy {
            // A restore that it has started goes on, and keeps the lock until it is done.
            eventually("the lock is let go", || host.lock_is_free());
        }
        now = possible.check(&host, &format!("round {round}, killed, {wipe:?}"));
        early += usize::from(!ready);
        left += usize::from(taken && now != all);
    }
    println!(
        "{rounds} kills ({early} of them soon after the start) in {:.1} s; {left} left a wipe to the next",
        began.elapsed().as_secs_f64()
    );
    let _run = started(&host, quick(on));
    eventually("all is there", || whole(&host) == all);
    eventually("it is in sync", || host.is_in_sync());
    host.ck_ok("diff", 0);
    let known =
        ["bin", "chainkeeper.sock", "starts", "state.json", "state.json.lock", "xtables.lock"];
    // Who was killed while it wrote the state file may leave one half-written; the next who writes takes it away.
    let (half, files): (Vec<_>, Vec<_>) =
        host.files().into_iter().partition(|file| file.starts_with(".state.json."));
    assert!(half.len() <= 1, "{half:?}");
    assert!(files.iter().all(|file| known.contains(&file.as_str())), "{files:?}");
}

//! Many wipes of many kinds: each is repaired once, and none is missed.
use super::wipe::{Kind, Wipe, saved, whole};
use super::{culprits, keeping, quick, sole};
use crate::support::{Host, On};
use chainkeeper::story::{Outcome, What};
use chainkeeper_contract::testing::Dice;
use std::time::{Duration, Instant};

#[test]
fn a_thousand_random_wipes_on_nft_are_each_repaired_once() {
    wiped(On::Nft, 1000);
}

#[test]
fn two_hundred_random_wipes_on_legacy_are_each_repaired_once() {
    wiped(On::Legacy, 200);
}

/// Another seed by the environment variable SEED.
fn seed() -> u64 {
    let given = std::env::var("SEED").ok().map(|text| text.parse().expect("SEED is a number"));
    given.unwrap_or(20_250_801)
}

fn wiped(on: On, count: usize) {
    let seed = seed();
    println!("SEED={seed}");
    let (mut dice, host) = (Dice::seeded(seed, count * 200), Host::of(on));
    let (run, story) = keeping(&host, quick(on));
    let all = whole(&host);
    let (began, mut told, mut alone, mut canaries) = (Instant::now(), 0_u64, 0_u64, 0);
    let mut gaps = Vec::new();
    while told < count as u64 {
        let wipe = Wipe::random(&mut dice, &Kind::ALL, on, &all);
        let before = told;
        let here = || format!("SEED={seed}, after {before}: {wipe:?}\n{}", run.journal());
        let done = wipe.commit(&host, &all);
        if wipe.kind == Kind::Canary {
            canaries += 1; // were it told, the next one would find that in its place
            continue;
        }
        let pid = done.unwrap_or_else(|| panic!("it could not be taken: {}", here()));
        let event = story.next();
        told = before + 1;
        assert_eq!(event.number, told, "{}", here());
        let What::Gap(gap) = event.what else { panic!("{}", here()) };
        let Outcome::Repaired { gap_ms, .. } = gap.outcome else { panic!("{gap:?} {}", here()) };
        assert_eq!(gap.took, wipe.took(&all), "{}", here());
        gaps.push(gap_ms);
        match (on, sole(&gap.by)) {
            (On::Nft, Some(culprit)) => {
                assert_eq!(culprit.name.as_deref(), Some(wipe.writer()), "{}", here());
                let known = culprit.process.as_ref().map(|process| process.pid);
                assert!(known.is_none_or(|known| known == pid), "{culprit:?} {}", here());
                alone += 1;
            }
            // Whoever took out what the wipe before had added may be among them.
            (On::Nft, None) => {
                let mut names = culprits(&gap.by).map(|c| c.name.as_deref());
                assert!(names.any(|name| name == Some(wipe.writer())), "{gap:?} {}", here());
            }
            (On::Legacy, one) => assert_eq!(one, None, "nothing tells who writes there"),
        }
        wipe.clean(&host, &all);
        assert_eq!(saved(&host, wipe.family), all[&wipe.family], "{}", here());
    }
    assert_eq!(whole(&host), all);
    story.is_silent(Duration::from_millis(300));
    gaps.sort_by(f64::total_cmp);
    println!(
        "{count} wipes, and {canaries} of canaries, in {:.1} s; {alone} of {told} named alone; \
         gap p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        began.elapsed().as_secs_f64(),
        gaps[gaps.len() / 2],
        gaps[gaps.len() * 99 / 100],
        gaps.last().expect("some"),
    );
    assert!(on == On::Legacy || alone * 10 > told * 8, "{alone} of {told}");
}

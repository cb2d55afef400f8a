//! Somebody undoes what we mend.
use super::world::{World, fire, marks, ms, rules, s, sixth};
use chainkeeper::damage::ChainKey;
use chainkeeper::monitor::{MonitorConfig, News};
use std::time::Duration;

/// When a chain was yielded, after how many rounds, for how long.
fn yields(world: &World) -> Vec<(Duration, (ChainKey, u32, Duration))> {
    world.told(|news| {
        let News::Yielded { chain, rounds, again } = news else { return None };
        Some((chain.clone(), *rounds, *again))
    })
}

fn recovered(world: &World) -> Vec<Duration> {
    let told = world.told(|news| matches!(news, News::Recovered { .. }).then_some(()));
    told.into_iter().map(|(at, ())| at).collect()
}

/// Takes the chain whenever it is there; the delay of each repair, until there is none within `limit`.
fn fought(world: &mut World, chain: &ChainKey, limit: Duration) -> Vec<Duration> {
    let mut delays = vec![];
    while delays.len() < 20 {
        world.runs_for(ms(20));
        world.forgets();
        let start = world.now;
        world.takes(chain.clone());
        world.runs_for(limit);
        let Some(write) = world.writes().first().copied() else { return delays };
        delays.push(write - start);
    }
    panic!("it is never yielded: {delays:?}")
}

#[test]
fn pauses_grow_with_each_round_and_the_fifth_is_yielded() {
    let mut world = World::at_rest(&rules());
    let delays = fought(&mut world, &marks(), s(3));
    assert_eq!(delays, [250, 250, 250, 500, 1000].map(ms));
    let start = world.orders[0].0;
    assert_eq!(yields(&world), [(start + ms(2), (marks(), 5, s(60)))]);
    assert_eq!(world.monitor.yielded(), [(marks(), start + ms(2) + s(60))].into());
}

#[test]
fn other_chains_are_repaired_while_one_is_fought_or_yielded() {
    let mut world = World::at_rest(&rules());
    for _ in 0..8 {
        world.takes(marks());
        world.runs_for(ms(1900));
        world.forgets();
        // Each time another: none of these is fought.
        let other: ChainKey =
            ChainKey { chain: format!("KUBE-{:?}", world.now).as_str().into(), ..fire() };
        let start = world.now;
        world.takes(other.clone());
        world.runs_for(s(1));
        assert!(world.writes().contains(&(start + ms(250))), "{:?}", world.orders);
        assert!(!world.missing.contains(&other));
    }
    assert!(world.missing.contains(&marks()));
}

/// A world in which one chain was just yielded, and when.
fn yielded() -> (World, Duration) {
    let mut world = World::at_rest(&rules());
    fought(&mut world, &marks(), s(3));
    let again = world.monitor.yielded()[&marks()];
    world.forgets();
    (world, again)
}

#[test]
fn a_yielded_chain_is_tried_again_and_undone_again_left_twice_as_long() {
    let (mut world, mut again) = yielded();
    for length in [120, 240, 480, 960, 1920, 3600, 3600].map(s) {
        world.runs_to(again + s(11));
        let tries = world.writes();
        assert_eq!(tries.len(), 1);
        assert!(tries[0] <= again + s(1), "{tries:?}");
        world.forgets();
        world.takes(marks());
        world.runs_for(ms(10));
        let told = yields(&world);
        assert_eq!(told[0].1.2, length);
        again = told[0].0 + length;
        world.forgets();
    }
}

#[test]
fn left_alone_it_has_recovered_and_is_counted_anew() {
    let (mut world, again) = yielded();
    world.runs_to(again + s(11));
    let mended = world.writes()[0] + ms(2);
    world.runs_for(s(60));
    assert_eq!(recovered(&world), [mended + s(30)]);
    assert_eq!(fought(&mut world, &marks(), s(3)).len(), 5);
    assert_eq!(yields(&world)[0].1, (marks(), 5, s(60)));
}

#[test]
fn undone_when_it_had_just_recovered_it_is_counted_anew_and_told() {
    let (mut world, again) = yielded();
    world.runs_to(again + s(11));
    let mended = world.writes()[0] + ms(2);
    world.runs_to(mended + s(30) - ms(1));
    world.takes(marks()); // the look has it a millisecond after the window
    world.runs_for(s(5));
    assert_eq!(recovered(&world), [mended + s(30) + ms(1)]);
    assert_eq!(yields(&world), []);
    assert_eq!(world.missing.len(), 0);
}

#[test]
fn put_back_by_the_other_side_while_yielded_it_has_recovered_at_the_end() {
    let (mut world, again) = yielded();
    world.missing.clear();
    world.tells();
    world.runs_to(again + s(60));
    assert_eq!(recovered(&world), [again]);
    assert_eq!((world.writes(), world.monitor.yielded().len()), (vec![], 0));
}

#[test]
fn undone_after_more_than_the_window_is_no_fight() {
    let mut world = World::at_rest(&rules());
    for _ in 0..10 {
        let start = world.now;
        world.takes(marks());
        world.runs_for(ms(260));
        assert_eq!(world.writes(), [start + ms(250)]);
        world.runs_to(start + ms(252) + s(30));
        assert_eq!((yields(&world), recovered(&world)), (vec![], vec![]));
        world.forgets();
    }
}

#[test]
fn insisting_it_never_yields_and_keeps_the_pace_of_settle() {
    let mut world = World::at_rest(&MonitorConfig { insist: true, ..rules() });
    for _ in 0..50 {
        let start = world.now;
        world.takes(marks());
        world.runs_for(s(1));
        assert_eq!(world.writes(), [start + ms(250)]);
        world.forgets();
    }
}

/// Taken for the fifth time after the last look, and found by a write that another chain needed.
#[test]
fn what_a_write_finds_missing_beside_is_left_alone() {
    let mut world = World::at_rest(&rules());
    for _ in 0..5 {
        world.takes(marks());
        world.runs_for(s(3));
    }
    world.forgets();
    world.takes(sixth());
    world.runs_for(ms(200));
    world.missing.insert(marks());
    world.commits();
    world.runs_for(s(1));
    assert_eq!((yields(&world).len(), world.missing.len(), world.writes().len()), (1, 1, 1));
}

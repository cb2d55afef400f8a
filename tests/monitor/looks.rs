//! When it looks: at what it has not seen, once, and not too often.
use super::world::{World, fire, marks, ms, rules, s};
use chainkeeper::monitor::Sighting;
use std::time::Duration;

#[test]
fn idle_it_makes_a_pass_each_period_and_nothing_else() {
    let mut world = World::at_rest(&rules());
    let start = world.now;
    world.runs_for(s(300));
    assert_eq!(world.passes().len(), 5);
    assert_eq!(world.orders.len(), 5);
    let first = world.orders[0].0;
    assert!(first < start + s(60));
    assert_eq!(world.passes()[4], first + s(240));
}

#[test]
fn a_commit_is_looked_at_at_once() {
    let mut world = World::at_rest(&rules());
    world.tells();
    assert_eq!(world.looks(), [world.now]);
    world.runs_for(s(1));
    assert_eq!(world.orders.len(), 1);
}

#[test]
fn a_commit_that_the_last_look_has_seen_causes_no_look() {
    let mut world = World::at_rest(&rules());
    let late = world.commits();
    world.tells();
    world.runs_for(s(1));
    world.forgets();
    world.sees(Sighting::Commit(late));
    world.sees(Sighting::Commit(world.generation));
    world.runs_for(s(1));
    assert_eq!(world.orders, []);
}

#[test]
fn a_commit_during_a_look_is_looked_at_once_more_only_if_that_look_has_not_seen_it() {
    let mut world = World::at_rest(&rules());
    world.tells();
    let start = world.now;
    world.now += ms(1);
    world.tells();
    world.runs_for(s(1));
    assert_eq!(world.looks(), [start, start + ms(10)]);
    world.forgets();
    let generation = world.commits();
    world.sees(Sighting::Lost);
    world.now += ms(1);
    world.sees(Sighting::Commit(generation));
    world.runs_for(s(1));
    assert_eq!(world.orders.len(), 1);
}

#[test]
fn our_own_commit_causes_no_second_look() {
    let mut world = World::at_rest(&rules());
    let start = world.now;
    world.takes(marks());
    world.runs_for(s(1));
    world.sees(Sighting::Commit(world.generation));
    world.runs_for(s(1));
    assert_eq!((world.looks(), world.writes()), (vec![start], vec![start + ms(250)]));
    assert_eq!(world.orders.len(), 2);
}

/// A legacy table from which somebody takes at once what we wrote looks as it did before.
#[test]
fn what_we_wrote_where_there_is_no_generation_is_looked_at_once_more() {
    let mut world = World::at_rest(&rules());
    (world.generation, world.deaf) = (None, true);
    let start = world.now;
    world.takes(marks());
    world.runs_for(ms(251));
    assert!(world.is_busy());
    world.finishes();
    world.missing.insert(marks());
    world.runs_for(s(1));
    let mended = start + ms(252);
    assert!(world.looks().iter().any(|at| (mended..mended + ms(20)).contains(at)));
    assert_eq!(world.writes().len(), 2, "{:?}", world.orders);
}

#[test]
fn a_thousand_commits_in_5_ms_cause_at_most_one_look_each_10_ms() {
    let mut world = World::at_rest(&rules());
    let start = world.now;
    for n in 0..1000 {
        world.runs_to(start + Duration::from_micros(5) * n);
        world.tells();
    }
    world.runs_for(s(1));
    assert_eq!(world.looks(), [start, start + ms(10)]);
    assert_eq!(world.orders.len(), 2);
}

#[test]
fn lost_news_cause_one_look() {
    let mut world = World::at_rest(&rules());
    (0..3).for_each(|_| world.sees(Sighting::Lost));
    let start = world.now;
    world.runs_for(s(1));
    assert_eq!(world.looks(), [start, start + ms(10)]); // two were told while it looked
    world.forgets();
    world.sees(Sighting::Lost);
    world.runs_for(s(1));
    assert_eq!(world.orders.len(), 1);
}

#[test]
fn generations_wrap_around() {
    let mut world = World::begins(s(0), &rules());
    world.generation = Some(u32::MAX - 1);
    world.runs_for(s(10));
    world.forgets();
    let start = world.now;
    world.takes(marks()); // u32::MAX; mended by 1
    world.runs_for(s(1));
    assert_eq!(world.generation, Some(1));
    assert_eq!((world.looks(), world.writes()), (vec![start], vec![start + ms(250)]));
    world.sees(Sighting::Commit(Some(u32::MAX)));
    world.sees(Sighting::Commit(Some(1)));
    world.runs_for(s(1));
    assert_eq!(world.orders.len(), 2);
    world.takes(fire());
    assert_eq!(world.orders.len(), 3);
}

/// Each look takes longer than looks are apart, and each time somebody has committed meanwhile.
#[test]
fn a_writer_that_never_stops_does_not_keep_it_from_a_pass() {
    let mut world = World::at_rest(&rules());
    world.takes = ms(15);
    let start = world.now;
    for n in 0..12_100 {
        world.runs_to(start + ms(5 * n));
        world.tells();
    }
    assert_eq!(world.passes().len(), 1);
}

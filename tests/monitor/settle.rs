//! When it writes: nobody is interrupted, and nobody is waited for without end.
use super::world::{World, fire, marks, ms, rules, s};
use chainkeeper::damage::Selection;
use chainkeeper::monitor::{Decision, MonitorConfig, News, Sighting};
use std::time::Duration;

#[test]
fn a_repair_comes_exactly_settle_after_the_last_commit() {
    let mut world = World::at_rest(&rules());
    let start = world.now;
    world.takes(marks());
    for n in 1..=10 {
        world.runs_to(start + ms(100 * n));
        world.tells();
    }
    world.runs_for(s(2));
    assert_eq!(world.writes(), [start + ms(1250)]);
    let told = world.told(|news| {
        let News::Mended { since, quiet, damage } = news else { return None };
        Some((*since, *quiet, damage.0.len()))
    });
    assert_eq!(told, [(start + ms(1252), (start, ms(250), 1))]);
}

#[test]
fn a_writer_that_never_stops_is_written_over_at_the_bound() {
    for takes in [ms(1), ms(2), ms(15), ms(40)] {
        let mut world = World::at_rest(&rules());
        world.takes = takes;
        let start = world.now;
        world.takes(marks());
        for n in 1..1200 {
            world.runs_to(start + ms(5 * n));
            world.tells();
        }
        let writes = world.writes();
        assert_eq!(writes.len(), 1, "{takes:?}");
        assert!(writes[0] >= start + s(5) && writes[0] <= start + s(5) + takes * 2, "{writes:?}");
    }
}

#[test]
fn damage_that_comes_later_has_a_bound_of_its_own() {
    let mut world = World::at_rest(&rules());
    let start = world.now;
    world.takes(marks());
    for n in 1..1600 {
        world.runs_to(start + ms(5 * n));
        match n {
            400 => world.takes(fire()),
            _ => world.tells(),
        }
    }
    // A look that was just due comes first, and takes 2 ms.
    assert_eq!(world.writes(), [start + ms(5002), start + s(7)]);
}

#[test]
fn without_settle_it_writes_as_soon_as_it_has_looked() {
    let mut world = World::at_rest(&MonitorConfig { settle: Duration::ZERO, ..rules() });
    let start = world.now;
    world.takes(marks());
    world.runs_for(s(1));
    let orders: Vec<Duration> = world.orders.iter().map(|(at, _)| *at).collect();
    assert_eq!((orders, world.writes()), (vec![start, start + ms(2)], vec![start + ms(2)]));
}

#[test]
fn what_comes_back_by_itself_is_not_written() {
    let mut world = World::at_rest(&rules());
    world.takes(marks());
    world.runs_for(ms(200));
    world.missing.clear();
    world.tells();
    world.runs_for(s(10));
    assert_eq!(world.writes(), []);
    let returned = |news: &News| matches!(news, News::Returned { kept: true, .. }).then_some(());
    assert_eq!(world.told(returned).len(), 1);
}

/// Nobody tells, and there is no number: what a pass finds has happened just now, as far as is known.
#[test]
fn in_legacy_quiet_is_counted_from_the_last_change_that_was_seen() {
    let mut world = World::begins(s(0), &rules());
    world.generation = None;
    world.runs_to(s(90));
    world.forgets();
    world.missing.insert(marks());
    world.runs_to(s(120) + ms(100));
    assert_eq!(world.passes(), [s(120)]);
    world.missing.insert(fire());
    world.sees(Sighting::Commit(None));
    world.runs_for(s(1));
    assert_eq!(world.writes(), [s(120) + ms(350)]);
    // Told of by a mere number of nothing: our own write.
    world.forgets();
    world.missing.insert(marks());
    world.runs_for(s(70));
    let pass = world.passes()[0];
    assert_eq!(world.writes(), [pass + ms(252)]);
}

/// Two commits, of which one was told, and a look that has seen both.
#[test]
fn a_commit_that_nobody_told_of_counts_from_the_look_that_saw_it() {
    let mut world = World::at_rest(&rules());
    world.takes = ms(100);
    let start = world.now;
    let told = world.commits();
    world.missing.insert(marks());
    world.commits();
    world.sees(Sighting::Commit(told));
    world.runs_for(s(1));
    assert_eq!(world.writes(), [start + ms(350)]);
}

/// It is not ours, and it is older than ours.
#[test]
fn a_commit_told_while_we_write_counts_for_what_was_held() {
    let mut world = World::at_rest(&rules());
    world.takes = ms(10);
    for _ in 0..4 {
        world.takes(fire());
        world.runs_for(s(2));
    }
    world.forgets();
    let start = world.now;
    world.takes(fire()); // the fourth round: in 1 s, and held until then
    world.runs_to(start + ms(740));
    world.takes(marks());
    world.runs_to(start + ms(995)); // marks are being written since 990
    assert_eq!(world.writes(), [start + ms(990)]);
    world.tells();
    world.runs_for(s(2));
    assert_eq!(world.writes(), [start + ms(990), start + ms(995 + 250)]);
}

#[test]
fn the_first_write_waits_for_nobody_and_a_later_one_holds_what_is_not_due() {
    let mut world = World::begins(s(10), &rules());
    let Some((at, Decision::Write { chains, canaries })) = world.orders.first() else { panic!() };
    assert_eq!((*at, chains, canaries.len()), (s(10), &Selection::default(), 2));
    world.runs_for(s(1));
    world.forgets();
    world.takes(fire());
    world.runs_for(ms(20));
    world.monitor.reconfigure(rules());
    world.sees(Sighting::Time);
    let Some((_, Decision::Write { chains, .. })) = world.orders.last() else { panic!() };
    assert!(!chains.has(&fire()));
}

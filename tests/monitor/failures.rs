//! An error is no damage, and what fails is tried again at growing distance.
use super::world::{World, fire, lost, marks, ms, rules, s, sixth};
use chainkeeper::monitor::{Decision, Findings, Monitor, News, Sighting};
use chainkeeper_contract::Family;
use std::time::Duration;

fn gaps(at: &[Duration]) -> Vec<u64> {
    at.windows(2).map(|w| (w[1] - w[0]).as_secs()).collect()
}

fn mended(world: &World) -> usize {
    world.told(|news| matches!(news, News::Mended { .. }).then_some(())).len()
}

#[test]
fn a_look_that_fails_is_no_damage_and_is_tried_again_after_1_2_4_up_to_60_s() {
    let mut world = World::at_rest(&rules());
    world.unreadable = Family::ALL.into();
    world.tells();
    let start = world.now;
    world.runs_for(s(300));
    assert_eq!(world.looks(), [start]);
    let at: Vec<Duration> = world.orders.iter().map(|(at, _)| *at).collect();
    assert_eq!(gaps(&at), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!((world.news.len(), world.writes().len()), (0, 0));
    world.unreadable.clear();
    world.runs_for(s(60));
    world.forgets();
    world.runs_for(s(121));
    assert_eq!(world.orders.len(), 2);
}

#[test]
fn looks_that_others_cause_do_not_lengthen_the_pauses() {
    let mut world = World::at_rest(&rules());
    world.unreadable = Family::ALL.into();
    for _ in 0..20 {
        world.tells();
        world.runs_for(ms(20));
    }
    world.unreadable.clear();
    world.forgets();
    world.runs_for(s(2));
    assert_eq!(world.passes().len(), 1);
}

#[test]
fn a_family_that_can_never_be_read_does_not_slow_the_other() {
    let mut world = World::at_rest(&rules());
    world.unreadable = [Family::Ipv6].into();
    world.takes(sixth());
    world.runs_for(s(500));
    for _ in 0..5 {
        world.forgets();
        let start = world.now;
        world.takes(marks());
        world.runs_for(s(40));
        assert_eq!((world.looks(), world.writes()), (vec![start], vec![start + ms(250)]));
    }
    world.unreadable.clear();
    world.runs_for(s(70));
    assert_eq!(world.missing.len(), 0);
}

#[test]
fn a_write_that_fails_has_mended_nothing_and_is_tried_again() {
    for families in [vec![Family::Ipv4], Family::ALL.to_vec()] {
        let mut world = World::at_rest(&rules());
        let start = world.now;
        world.takes(marks());
        world.runs_for(ms(100));
        world.unreadable = families.into_iter().collect();
        world.runs_for(s(6));
        assert_eq!((mended(&world), world.monitor.damage().0.len()), (0, 1));
        let write = start + ms(250);
        let tries = [write, write + ms(1002), write + ms(3004)];
        assert_eq!(world.writes(), tries);
        world.unreadable.clear();
        world.runs_for(s(2));
        assert_eq!((mended(&world), world.missing.len()), (1, 0));
    }
}

/// One family is written, the other could not be read at that moment.
#[test]
fn a_repair_does_not_stand_for_a_family_that_was_not_read() {
    let mut world = World::at_rest(&rules());
    world.takes(marks());
    world.runs_for(ms(20));
    world.takes(sixth());
    world.runs_for(ms(20));
    world.unreadable = [Family::Ipv6].into();
    world.runs_for(ms(400));
    let told = world.told(|news| {
        let News::Mended { damage, .. } = news else { return None };
        Some(damage.0.keys().cloned().collect::<Vec<_>>())
    });
    assert_eq!(told.into_iter().map(|(_, chains)| chains).collect::<Vec<_>>(), [vec![marks()]]);
    assert!(world.monitor.damage().0.contains_key(&sixth()));
}

#[test]
fn what_a_write_does_not_bring_back_is_tried_again_at_growing_distance_and_nothing_else_waits() {
    let mut world = World::at_rest(&rules());
    world.stuck = [marks()].into();
    world.takes(marks());
    world.runs_for(s(200));
    assert_eq!(gaps(&world.writes()), [1, 2, 4, 8, 16, 32, 60, 60]);
    world.forgets();
    let start = world.now;
    world.takes(fire());
    world.runs_for(s(1));
    let (at, Decision::Write { chains, .. }) = &world.orders[1] else {
        panic!("{:?}", world.orders)
    };
    assert_eq!(*at, start + ms(250));
    assert!(!chains.has(&marks()), "{chains:?}");
    world.stuck.clear();
    world.runs_for(s(60));
    assert_eq!(world.missing.len(), 0);
}

#[test]
fn a_stuck_chain_that_came_back_by_itself_begins_anew() {
    let mut world = World::at_rest(&rules());
    world.stuck = [marks()].into();
    world.takes(marks());
    world.runs_for(s(100));
    world.missing.clear();
    world.tells();
    world.runs_for(s(1));
    world.forgets();
    world.takes(marks());
    world.runs_for(s(6));
    assert_eq!(gaps(&world.writes()), [1, 2]);
}

#[test]
fn resume_tries_at_once_what_was_stuck() {
    let mut world = World::at_rest(&rules());
    world.stuck = [marks()].into();
    world.takes(marks());
    world.runs_for(s(100));
    world.forgets();
    world.sees(Sighting::Resume);
    assert_eq!(world.writes(), [world.now]);
}

/// It was read at first, and not when the hint was written after it.
#[test]
fn what_was_found_and_then_could_not_be_read_is_not_mended() {
    let mut monitor = Monitor::new(rules());
    monitor.step(s(0), Sighting::Time);
    let unread = [Family::Ipv4].into();
    let answer = Findings { found: lost(&[marks()].into()), unread, ..Findings::default() };
    monitor.step(ms(2), Sighting::Findings(answer));
    assert!(monitor.damage().0.contains_key(&marks()));
    assert!(!monitor.news().iter().any(|news| matches!(news, News::Mended { .. })));
}

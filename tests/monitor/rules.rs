//! What a person asks for: to pause, to keep only some, to watch only, other rules; and the canaries.
use super::world::{World, fire, marks, ms, rules, s, sixth};
use chainkeeper::damage::ChainKey;
use chainkeeper::monitor::{Decision, Keep, MonitorConfig, News, Sighting};
use chainkeeper_contract::{Family, Table};
use std::collections::BTreeSet;
use std::time::Duration;

/// Of what it was told that it would be mended, and when.
fn would(world: &World) -> Vec<(Duration, Vec<ChainKey>)> {
    world.told(|news| {
        let News::WouldMend { damage, .. } = news else { return None };
        Some(damage.0.keys().cloned().collect())
    })
}

/// The writes, and the families whose canaries they bring.
fn canaries(world: &World) -> Vec<(Duration, BTreeSet<Family>)> {
    let write = |(at, decision): &(Duration, Decision)| {
        let Decision::Write { canaries, .. } = decision else { return None };
        Some((*at, canaries.clone()))
    };
    world.orders.iter().filter_map(write).collect()
}

#[test]
fn a_pause_ends_by_itself_and_the_damage_is_repaired_right_then() {
    let mut world = World::at_rest(&rules());
    world.sees(Sighting::Pause(s(600)));
    let until = world.now + s(600);
    assert_eq!(world.monitor.paused(), Some(until));
    world.takes(marks());
    world.runs_to(until - ms(1));
    assert_eq!(world.writes(), []);
    world.runs_for(s(1));
    assert_eq!((world.writes(), world.missing.len()), (vec![until], 0));
    let ended = |news: &News| (*news == News::PauseEnded).then_some(());
    assert_eq!(world.told(ended), [(until, ())]);
}

#[test]
fn after_resume_it_is_repaired_at_once_and_no_end_is_told() {
    let mut world = World::at_rest(&rules());
    world.sees(Sighting::Pause(s(600)));
    world.takes(marks());
    world.runs_for(s(10));
    world.sees(Sighting::Resume);
    assert_eq!((world.writes(), world.monitor.paused()), (vec![world.now], None));
    world.runs_for(s(1000));
    assert!(!world.news.iter().any(|(_, news)| *news == News::PauseEnded));
}

#[test]
fn what_is_not_kept_is_told_once_and_not_written() {
    let keep = Keep::Only(vec![(Table::Nat, None)]);
    let mut world = World::at_rest(&MonitorConfig { keep, ..rules() });
    let start = world.now;
    world.takes(fire());
    world.runs_for(ms(10));
    world.takes(marks());
    world.runs_for(s(300));
    assert_eq!(world.writes(), [start + ms(260)]);
    assert_eq!(world.missing, [fire()].into());
    // After the repair, which was due then, too.
    assert_eq!(would(&world), [(start + ms(262), vec![fire()])]);
    world.missing.clear();
    world.tells();
    world.runs_for(s(1));
    let returned = |news: &News| matches!(news, News::Returned { kept: false, .. }).then_some(());
    assert_eq!(world.told(returned).len(), 1);
    world.forgets();
    world.takes(fire());
    world.runs_for(s(1));
    assert_eq!(would(&world).len(), 1);
}

#[test]
fn observing_it_never_writes_and_says_what_it_would() {
    let observing = MonitorConfig { keep: Keep::nothing(), ..rules() };
    let mut world = World::begins(s(0), &observing);
    assert_eq!(world.passes(), [s(0)]);
    world.canaries = Family::ALL.into();
    world.runs_to(s(10));
    world.takes(marks());
    world.runs_to(s(20));
    world.takes(sixth());
    world.runs_to(s(1000));
    let all = vec![marks(), sixth()];
    assert_eq!(would(&world), [(s(10) + ms(250), vec![marks()]), (s(20) + ms(250), all)]);
    assert_eq!(world.writes(), []);
}

#[test]
fn a_canary_that_stays_away_is_written_with_its_family_and_one_that_comes_back_is_not() {
    let mut world = World::at_rest(&rules());
    world.canaries = Family::ALL.into();
    world.tells();
    let start = world.now + ms(2);
    world.runs_for(s(100));
    world.canaries.remove(&Family::Ipv4);
    world.tells();
    world.runs_for(s(1000));
    assert_eq!(canaries(&world), [(start + s(130), [Family::Ipv6].into())]);
    assert!(world.canaries.is_empty());
}

#[test]
fn a_canary_that_a_write_does_not_bring_waits_as_long_again() {
    let mut world = World::at_rest(&rules());
    world.canaries = [Family::Ipv4].into();
    world.tells();
    let start = world.now + ms(2);
    world.runs_to(start + s(129));
    world.unreadable = [Family::Ipv4].into();
    world.runs_to(start + s(132));
    world.unreadable.clear();
    world.runs_to(start + s(300));
    let at: Vec<Duration> = canaries(&world).into_iter().map(|(at, _)| at).collect();
    assert_eq!(at, [start + s(130), start + s(260)]);
}

/// A repair that began a moment too early for it.
#[test]
fn a_repair_without_the_canary_does_not_put_it_off() {
    let mut world = World::at_rest(&rules());
    world.canaries = [Family::Ipv4].into();
    world.tells();
    let due = world.now + ms(2) + s(130);
    world.runs_to(due - ms(251));
    world.takes(marks());
    world.runs_to(due + s(10));
    let none = BTreeSet::new();
    let asked: Vec<_> = canaries(&world);
    assert_eq!(asked[0], (due - ms(1), none));
    assert_eq!(asked[1], (due + ms(1), [Family::Ipv4].into()));
}

#[test]
fn in_a_pause_canaries_wait_too() {
    let mut world = World::at_rest(&rules());
    world.canaries = [Family::Ipv4].into();
    world.tells();
    world.sees(Sighting::Pause(s(500)));
    let until = world.now + s(500);
    world.runs_for(s(600));
    assert_eq!(canaries(&world), [(until, [Family::Ipv4].into())]);
}

#[test]
fn other_rules_keep_the_fights_and_the_pause() {
    let mut world = World::at_rest(&rules());
    for _ in 0..6 {
        world.takes(marks());
        world.runs_for(s(3));
    }
    let yielded = world.monitor.yielded();
    assert_eq!(yielded.len(), 1);
    world.forgets();
    world.monitor.reconfigure(rules());
    world.sees(Sighting::Lost);
    let (_, Decision::Write { chains, .. }) = &world.orders[0] else { panic!() };
    assert!(!chains.has(&marks()), "{chains:?}");
    world.runs_for(s(1));
    assert_eq!(world.monitor.yielded(), yielded);
    world.sees(Sighting::Pause(s(500)));
    let until = world.monitor.paused();
    world.forgets();
    world.monitor.reconfigure(rules());
    world.sees(Sighting::Lost);
    world.runs_for(s(100));
    assert_eq!((world.monitor.paused(), world.writes()), (until, vec![]));
    assert!(!world.passes().is_empty());
}

#[test]
fn who_is_told_to_insist_yields_nothing_any_more() {
    let mut world = World::at_rest(&rules());
    for _ in 0..6 {
        world.takes(marks());
        world.runs_for(s(3));
    }
    assert_eq!(world.monitor.yielded().len(), 1);
    world.monitor.reconfigure(MonitorConfig { insist: true, ..rules() });
    world.sees(Sighting::Time);
    world.runs_for(s(1));
    assert_eq!((world.monitor.yielded().len(), world.missing.len()), (0, 0));
}

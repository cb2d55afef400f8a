//! Every short course of events, and many long ones. After each: the world comes to rest, whole.
use super::world::{World, fire, marks, ms, rules, s, sixth};
use chainkeeper::monitor::{Decision, Keep, MonitorConfig, Sighting};
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{Family, Table};
use std::collections::BTreeSet;
use std::time::Duration;

/// What may happen.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// Somebody commits something; is told; is told without a number; is told again.
    Commit,
    Blind,
    Again,
    Lost,
    /// Somebody takes a chain that is kept, and it is told, or not; or one that is watched.
    Takes,
    Steals,
    Watched,
    /// Somebody puts all back.
    Restores,
    /// The order is done, well; one family, or none, could be read; nothing could be mended.
    Done,
    Half,
    Failed,
    Stuck,
    Pause,
    Resume,
    Time,
}

const EVENTS: [Event; 15] = [
    Event::Commit,
    Event::Blind,
    Event::Again,
    Event::Lost,
    Event::Takes,
    Event::Steals,
    Event::Watched,
    Event::Restores,
    Event::Done,
    Event::Half,
    Event::Failed,
    Event::Stuck,
    Event::Pause,
    Event::Resume,
    Event::Time,
];

impl Event {
    fn happens(self, world: &mut World) {
        match self {
            Event::Commit => world.tells(),
            Event::Blind => {
                world.commits();
                world.sees(Sighting::Commit(None));
            }
            Event::Again => world.sees(Sighting::Commit(world.generation)),
            Event::Lost => world.sees(Sighting::Lost),
            Event::Takes => world.takes(marks()),
            Event::Steals => {
                world.missing.insert(sixth());
                world.commits();
            }
            Event::Watched => world.takes(fire()),
            Event::Restores => {
                world.missing.clear();
                world.tells();
            }
            Event::Done => world.finishes(),
            Event::Half => Event::failing(world, [Family::Ipv4].into()),
            Event::Failed => Event::failing(world, Family::ALL.into()),
            Event::Stuck => {
                world.stuck = [marks(), sixth()].into();
                world.finishes();
                world.stuck.clear();
            }
            Event::Pause => world.sees(Sighting::Pause(s(2))),
            Event::Resume => world.sees(Sighting::Resume),
            Event::Time => world.sees(Sighting::Time),
        }
    }

    fn failing(world: &mut World, families: BTreeSet<Family>) {
        world.unreadable = families;
        world.finishes();
        world.unreadable.clear();
    }

    /// Without an order there is nothing to be done.
    fn can(self, world: &World) -> bool {
        world.is_busy() || !matches!(self, Event::Done | Event::Half | Event::Failed | Event::Stuck)
    }
}

/// Nat is kept, filter is watched.
fn nat() -> MonitorConfig {
    MonitorConfig { keep: Keep::Only(vec![(Table::Nat, None)]), ..rules() }
}

/// From now on the world is quiet and answers truthfully: what is kept comes back, then there is nothing to do
/// but a pass each `sync_period`.
fn comes_to_rest(mut world: World) {
    world.takes = ms(2);
    world.now = world.latest; // a clock that went back puts all off until it is there again
    let whole = |world: &World| !world.missing.iter().any(|key| world.rules.keep.has_key(key));
    for _ in 0..40 {
        if whole(&world) {
            break;
        }
        world.steps(1);
    }
    assert!(whole(&world), "still missing after 40 steps: {world:#?}");
    world.steps(20); // fights are forgotten meanwhile, a pause ends, what nobody told of is looked at
    world.forgets();
    world.steps(8);
    let at: Vec<Duration> = world.passes();
    assert!(at.len() >= 3 && world.orders.len() == at.len(), "{:?}", world.orders);
    assert!(at.windows(2).all(|w| w[1] - w[0] == world.rules.sync_period), "{at:?}");
}

/// A start of the courses.
fn starts() -> Vec<World> {
    let fresh = World::begins(s(20_000), &nat());
    let mut rest = fresh.clone();
    rest.finishes();
    rest.runs_for(s(1));
    let mut fought = rest.clone();
    for _ in 0..6 {
        fought.takes(marks());
        fought.runs_for(s(11));
    }
    assert_eq!(fought.monitor.yielded().len(), 1);
    let mut worlds = vec![fresh, rest, fought];
    worlds.iter_mut().for_each(World::forgets);
    worlds
}

/// Plays every course of `left` more events; every `nth` comes to rest.
fn every(
    world: &World,
    events: &[Event],
    steps: &[i64],
    left: usize,
    count: &mut usize,
    nth: usize,
) {
    if left == 0 {
        *count += 1;
        if count.is_multiple_of(nth) {
            comes_to_rest(world.clone());
        }
        return;
    }
    for step in steps {
        for event in events.iter().filter(|e| e.can(world)) {
            let mut world = world.clone();
            let length = ms(step.unsigned_abs());
            world.now = if *step < 0 { world.now - length } else { world.now + length };
            event.happens(&mut world);
            every(&world, events, steps, left - 1, count, nth);
        }
    }
}

#[test]
fn every_course_of_three_events_with_every_step_of_time() {
    for world in starts() {
        let mut count = 0;
        every(&world, &EVENTS, &[0, 6_000, -3_600_000], 3, &mut count, 211);
        assert!(count > 20_000, "{count}");
    }
}

#[test]
fn every_course_of_four_events_that_matter_most() {
    let events = [
        Event::Takes,
        Event::Commit,
        Event::Lost,
        Event::Done,
        Event::Failed,
        Event::Stuck,
        Event::Pause,
    ];
    for world in starts() {
        let mut count = 0;
        every(&world, &events, &[0, 250, 6_000], 4, &mut count, 211);
        assert!(count > 20_000, "{count}");
    }
}

#[test]
fn long_courses_by_chance() {
    let settles = [ms(0), ms(250), s(7)];
    for seed in 0..600 {
        let mut dice = Dice::seeded(seed, 400);
        let settle = dice.pick(&settles);
        let keep = dice.pick(&[nat().keep, Keep::All, Keep::nothing()]);
        let (insist, bound) = (dice.roll(4) == 0, s(5).max(settle));
        let mut world =
            World::begins(s(7200), &MonitorConfig { settle, bound, keep, insist, ..rules() });
        if dice.roll(3) == 0 {
            world.generation = None;
        }
        for _ in 0..150 {
            match dice.roll(40) {
                0 => world.now += s(4 * 3600),
                1 => world.now -= s(600).min(world.now),
                2 => world.canaries = Family::ALL.into(),
                n => world.runs_for(
                    dice.pick(&[ms(0), ms(0), ms(3), ms(30), ms(250), s(1), s(9)])
                        / (n as u32 % 3 + 1),
                ),
            }
            let event = dice.pick(&EVENTS);
            if event.can(&world) {
                event.happens(&mut world);
            }
        }
        world.canaries.clear();
        comes_to_rest(world);
    }
}

#[test]
fn at_the_end_of_time_nothing_overflows() {
    let longest = MonitorConfig { sync_period: Duration::MAX, canary_wait: Duration::MAX, ..nat() };
    for rules in [nat(), longest] {
        for before in [Duration::ZERO, ms(1), ms(250), s(6)] {
            for event in EVENTS {
                let mut world = World::begins(s(1), &rules);
                world.takes = Duration::ZERO;
                world.finishes();
                world.takes(marks());
                world.finishes();
                world.now = Duration::MAX - before;
                for event in
                    [event, Event::Done, Event::Takes, Event::Done, Event::Pause, Event::Lost]
                {
                    if event.can(&world) {
                        event.happens(&mut world);
                    }
                }
            }
        }
    }
    let mut world = World::begins(Duration::MAX, &nat());
    world.takes = Duration::ZERO;
    (0..20).for_each(|_| world.finishes());
    assert!(world.orders.iter().all(|(_, v)| !matches!(v, Decision::Look)));
}

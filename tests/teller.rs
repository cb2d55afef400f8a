//! The story: who may have done it, and what a day came to.
use chainkeeper::culprit::Culprit;
use chainkeeper::damage::{ChainKey, Damage, Loss};
use chainkeeper::monitor::News;
use chainkeeper::story::{Event, Outcome, Suspects, What};
use chainkeeper::teller::{Moment, Teller};
use chainkeeper_contract::{Family, Table};
use std::collections::BTreeSet;
use std::time::Duration;

const SINCE_1970: Duration = Duration::from_secs(1_700_000_000);

fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn named(name: &str) -> Culprit {
    Culprit { name: Some(name.into()), thread: None, process: None, unknown: None }
}

/// No commit is ours.
const NONE: BTreeSet<u32> = BTreeSet::new();

fn nobody() -> Culprit {
    Culprit { name: None, thread: None, process: None, unknown: Some("no events".into()) }
}

fn names(suspects: &Suspects) -> (Vec<&str>, bool) {
    let names = suspects.any_of.iter().map(|c| c.name.as_deref().unwrap_or("-")).collect();
    (names, suspects.incomplete)
}

/// A teller that has looked at generation 10.
fn teller() -> Teller {
    let mut teller = Teller::default();
    teller.looked(Some(10), &NONE, false);
    teller
}

/// What a look at `generation` says after these were heard.
fn heard(commits: &[(u32, &str)], generation: u32, ours: &[u32]) -> (Vec<String>, bool) {
    let mut teller = teller();
    commits.iter().for_each(|(g, name)| teller.heard(Some(*g), named(name)));
    let suspects = teller.looked(Some(generation), &ours.iter().copied().collect(), false);
    let (names, incomplete) = names(&suspects);
    (names.into_iter().map(str::to_owned).collect(), incomplete)
}

#[test]
fn one_that_was_heard_of_is_sure() {
    assert_eq!(heard(&[(11, "a")], 11, &[]), (vec!["a".into()], false));
    assert_eq!(heard(&[(11, "a"), (12, "a")], 12, &[]), (vec!["a".into()], false));
}

#[test]
fn of_several_it_is_one() {
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(heard(&[(11, "a"), (12, "b"), (13, "a")], 13, &[]), (both, false));
}

#[test]
fn a_commit_that_nobody_told_of_leaves_it_open() {
    assert_eq!(heard(&[], 11, &[]), (vec![], true));
    assert_eq!(heard(&[(11, "a")], 12, &[]), (vec!["a".into()], true));
    let mut teller = teller();
    teller.heard(Some(11), nobody());
    assert_eq!(names(&teller.looked(Some(11), &NONE, false)), (vec!["-"], true));
    assert!(teller.looked(None, &NONE, false).incomplete);
}

#[test]
fn without_generations_nobody_is_named() {
    let mut teller = Teller::default();
    teller.looked(None, &NONE, false);
    teller.heard(None, named("a"));
    assert_eq!(names(&teller.looked(None, &NONE, false)), (vec![], true));
}

#[test]
fn our_own_commits_are_left_out() {
    assert_eq!(heard(&[(11, "a"), (12, "us")], 12, &[12]), (vec!["a".into()], false));
    assert_eq!(heard(&[(11, "us")], 11, &[11]), (vec![], false));
    // Not heard of yet, and so neither is one of the others.
    assert_eq!(heard(&[(11, "a")], 12, &[12]), (vec!["a".into()], false));
    assert_eq!(heard(&[(12, "a"), (13, "us")], 13, &[13]), (vec!["a".into()], true));
    // The hint is looked at again before it is written: others may come in between, or after.
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(heard(&[(11, "us"), (12, "a"), (13, "b")], 13, &[11]), (both, false));
    assert_eq!(heard(&[(11, "us"), (12, "a"), (13, "us")], 13, &[11, 13]).0, ["a"]);
}

#[test]
fn what_is_newer_than_a_look_belongs_to_the_next() {
    let mut teller = teller();
    teller.heard(Some(11), named("a"));
    teller.heard(Some(12), named("b"));
    assert_eq!(names(&teller.looked(Some(11), &NONE, false)), (vec!["a"], false));
    assert_eq!(names(&teller.looked(Some(12), &NONE, false)), (vec!["b"], false));
    // The first look of all, too.
    let mut teller = Teller::default();
    teller.heard(Some(10), named("a"));
    teller.heard(Some(11), named("b"));
    assert_eq!(names(&teller.looked(Some(10), &NONE, false)), (vec![], true));
    assert_eq!(names(&teller.looked(Some(11), &NONE, false)), (vec!["b"], false));
}

#[test]
fn a_look_that_failed_leaves_all_to_the_next() {
    let mut teller = teller();
    teller.heard(Some(11), named("a"));
    teller.looked(None, &NONE, false);
    teller.heard(Some(12), named("b"));
    assert_eq!(names(&teller.looked(Some(12), &NONE, false)), (vec!["a", "b"], false));
}

fn damage() -> Damage {
    let chain = ChainKey { family: Family::Ipv4, table: Table::Nat, chain: "A".into() };
    Damage([(chain, Loss { absent: true, ..Loss::default() })].into())
}

/// Somebody takes a chain with that commit, and it is mended with the next, after `gap`.
fn story(
    teller: &mut Teller,
    now: Duration,
    generation: u32,
    who: Option<&str>,
    gap: Duration,
) -> Event {
    let at = |now| Moment { wall: SINCE_1970 + now, now };
    if let Some(name) = who {
        teller.heard(Some(generation), named(name));
    }
    let by = teller.looked(Some(generation), &NONE, false);
    let looked = now + Duration::from_millis(4);
    assert_eq!(teller.tell(at(looked), News::Damaged { kept: true, first: true }, &by, 0.0), None);
    let by = teller.looked(Some(generation + 1), &[generation + 1].into(), false);
    let mended = News::Mended { damage: damage(), since: now, quiet: s(1) };
    teller.tell(at(now + gap), mended, &by, 2.0).expect("an event")
}

#[test]
fn a_gap_is_told_when_it_ends_with_who_began_it_and_the_commits_of_others() {
    let mut teller = teller();
    let event = story(&mut teller, s(100), 11, Some("a"), s(3));
    assert_eq!((event.number, event.at_ms), (1, 1_700_000_100_000));
    let What::Gap(gap) = &event.what else { panic!("{event:?}") };
    assert_eq!(gap.by.iter().map(names).collect::<Vec<_>>(), [(vec!["a"], false)]);
    assert_eq!((gap.commits, gap.took.len()), (Some(1), 1));
    let (quiet_ms, detected_ms) = (1e3, Some(4.0));
    let outcome = Outcome::Repaired { quiet_ms, took_ms: 2.0, detected_ms, gap_ms: 3e3 };
    assert_eq!(gap.outcome, outcome);
    assert_eq!(teller.since(event.at_ms).count(), 1);
    assert_eq!(teller.since(event.at_ms + 1).count(), 0);
}

#[test]
fn a_day_counts_the_repairs_of_24_hours_and_who_they_were_for_where_that_is_sure() {
    let mut teller = teller();
    story(&mut teller, s(100), 11, Some("old"), s(50));
    let (now, later) = (s(90_000), |n: u64| s(90_000 + n));
    story(&mut teller, now, 13, Some("a"), s(1));
    story(&mut teller, later(10), 15, Some("a"), s(2));
    story(&mut teller, later(20), 17, None, s(9));
    // One of two commits was not told of.
    story(&mut teller, later(30), 20, Some("b"), s(4));
    let end = s(100 + 24 * 3600 + 1);
    let day = teller.day(Moment { wall: SINCE_1970 + end.max(later(40)), now: end });
    assert_eq!((day.repairs, day.gap_p50_ms, day.gap_max_ms), (4, 2e3, 9e3));
    let by: Vec<(&str, usize)> = day.by.iter().map(|(who, n)| (who.as_str(), *n)).collect();
    assert_eq!(by, [("a", 2), ("unknown", 2)]);
}

#[test]
fn a_day_without_repairs_is_empty() {
    let day = teller().day(Moment { wall: SINCE_1970, now: s(1) });
    assert_eq!((day.repairs, day.gap_p50_ms, day.gap_max_ms, day.by.len()), (0, 0.0, 0.0, 0));
}

#[test]
fn who_undid_a_chain_is_known_until_it_has_recovered() {
    let mut teller = teller();
    let chain = damage().0.into_keys().next().expect("a chain");
    let at = Moment { wall: SINCE_1970, now: s(1) };
    teller.heard(Some(11), named("a"));
    let by = teller.looked(Some(11), &NONE, false);
    let yielded = News::Yielded { chain: chain.clone(), rounds: 5, again: s(60) };
    teller.tell(at, yielded, &by, 0.0);
    assert_eq!(teller.who_undid(&chain), (&[by.clone()][..], 5));
    teller.tell(at, News::Recovered { chain: chain.clone() }, &by, 0.0);
    assert_eq!(teller.who_undid(&chain), (&[][..], 0));
}

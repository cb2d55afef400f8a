//! Who is named: the one who did it, or nobody. Of those who still live, nearly always.
use super::wipe::whole;
use super::{Story, keeping, quick, sole};
use crate::support::{Host, On, Running};
use chainkeeper::culprit::{Culprit, Resolver};
use chainkeeper::story::Gap;
use chainkeeper_contract::{Backend as _, Family, Place, Plan, Scope, Step, Table, Why};
use chainkeeper_nft::{NftBackend, Setup};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

const ROUNDS: usize = 200;
const CHAIN: &str = "KUBE-MARK-MASQ";

/// Takes the rules of a chain, by netlink, on the calling thread.
pub(super) fn flush(nft: &mut NftBackend) {
    let (table, chain) = (Table::Nat, CHAIN.into());
    let families = [Family::Ipv4].into();
    let scope = Scope { families, chains: [(table, chain)].into(), ..Scope::default() };
    loop {
        let seen = nft.observe(&scope).expect("netlink");
        let chain = seen.families[&Family::Ipv4].as_ref().expect("it can be read");
        let chain = chain.chain(table, &CHAIN.into()).expect("it is there");
        let remove = chain.rules.iter().map(|rule| rule.handle).collect();
        let (insert, new, place, why) = (vec![], vec![], Place::First, Why::Order);
        let step = Step::Rewrite { table, chain: CHAIN.into(), remove, insert, new, place, why };
        let families = BTreeMap::from([(Family::Ipv4, vec![step])]);
        // Somebody has committed meanwhile: again.
        if nft.apply(&Plan { generation: seen.generation, families }).is_ok_and(|a| a.commits == 1)
        {
            return;
        }
    }
}

/// Somebody commits what harms nobody, until told to stop. How often.
fn harmless(stop: &AtomicBool) -> usize {
    let mut nft = NftBackend::open(Setup::default()).expect("netlink");
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let (table, chain) = (Table::Nat, format!("HARMLESS-{count}").as_str().into());
        let families = BTreeMap::from([(Family::Ipv6, vec![Step::CreateChain { table, chain }])]);
        let applied = nft.apply(&Plan { generation: None, families }).expect("apply");
        count += applied.commits as usize;
        sleep(Duration::from_millis(15));
    }
    count
}

/// Tells it to stop, also when a test fails.
pub(super) struct Stop<'a>(pub(super) &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` inside on a thread of that name.
pub(super) fn named<T: Send>(host: &Host, name: &str, work: impl FnOnce() -> T + Send) -> T {
    host.inside(|| {
        std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().name(name.into());
            let thread = builder.spawn_scoped(scope, work).expect("a thread");
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn repaired(story: &Story) -> Gap {
    let gap = story.repaired();
    assert!(gap.took.iter().all(|t| t.key.chain == CHAIN.into()), "{gap:?}");
    gap
}

/// Named as that one, with its process where processes can be named at all.
fn is(culprit: &Culprit, name: &str, pid: u32) -> bool {
    let process = culprit.process.as_ref().map(|process| process.pid);
    assert_eq!(culprit.name.as_deref(), Some(name), "{culprit:?}");
    assert!(process.is_none_or(|process| process == pid), "{culprit:?} is not {pid}");
    process.is_some() || Resolver::new(false).unable().is_some()
}

#[test]
fn of_those_who_live_nearly_all_are_named_and_none_wrong() {
    let host = Host::new();
    let (_run, story) = keeping(&host, quick(On::Nft));
    let all = whole(&host);
    let mut nft = host.start("nft", "-i");
    let mut shell = host.start("sh", "");
    let flush_by = |tool: &mut Running, before: &str| {
        tool.tell(&format!("{before}flush chain ip nat {CHAIN}"));
    };
    let (mut right, mut short, mut shorts) = (0, 0, 0);
    named(&host, "a-long-lived-writer", || {
        let mut own = NftBackend::open(Setup::default()).expect("netlink");
        for round in 0..ROUNDS + ROUNDS / 4 {
            let (name, pid) = match round % 5 {
                0 | 2 => {
                    flush_by(&mut nft, "");
                    ("nft", Some(nft.pid()))
                }
                1 | 3 => {
                    flush(&mut own);
                    ("a-long-lived-wr", Some(std::process::id()))
                }
                // A child that is gone in a moment.
                _ => {
                    flush_by(&mut shell, "nft ");
                    ("nft", None)
                }
            };
            let gap = repaired(&story);
            let culprit = sole(&gap.by);
            match (culprit, pid) {
                (Some(culprit), Some(pid)) => right += usize::from(is(culprit, name, pid)),
                (None, Some(_)) => {}
                (culprit, None) => {
                    shorts += 1;
                    let Some(culprit) = culprit else { continue };
                    assert_eq!(culprit.name.as_deref(), Some(name), "{culprit:?}");
                    if let Some(process) = &culprit.process {
                        assert_ne!(process.pid, nft.pid(), "another of that name");
                        assert!(process.parent.as_ref().is_none_or(|p| p.1 == shell.pid()));
                        short += 1;
                    }
                }
            }
        }
    });
    println!("{right} of {ROUNDS} who lived, {short} of {shorts} who did not, with their process");
    assert!(right * 100 >= ROUNDS * 95, "{right} of {ROUNDS}");
    assert_eq!(whole(&host), all);
}

/// Both commit all the time, and which of them it was can only sometimes be told.
#[test]
fn of_two_at_the_same_moment_the_harmless_one_is_never_named_alone() {
    let host = Host::new();
    let (_run, story) = keeping(&host, "--on-conflict insist --settle 0");
    let stop = AtomicBool::new(false);
    let (mut alone, mut one_of, mut unknown) = (0, 0, 0);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| named(&host, "harmless", || harmless(&stop)));
        let ended = Stop(&stop);
        named(&host, "wiper", || {
            let mut own = NftBackend::open(Setup::default()).expect("netlink");
            for _ in 0..100 {
                flush(&mut own);
                let gap = repaired(&story);
                match (sole(&gap.by), &gap.by[0]) {
                    (Some(culprit), _) => {
                        assert_eq!(culprit.name.as_deref(), Some("wiper"), "{gap:?}");
                        alone += 1;
                    }
                    (None, by) if by.incomplete => unknown += 1,
                    (None, by) => {
                        let wiper = |c: &Culprit| c.name.as_deref() == Some("wiper");
                        assert!(by.any_of.iter().any(wiper), "{gap:?}");
                        one_of += 1;
                    }
                }
            }
        });
        drop(ended);
        println!(
            "{alone} named alone, {one_of} as one of two, {unknown} unknown, beside {} commits",
            other.join().expect("it ends")
        );
    });
}

//! What the running service tells: on a good day, and on bad ones. From the data alone.
use chainkeeper::culprit::{Culprit, Process};
use chainkeeper::damage::{ChainKey, Loss};
use chainkeeper::policy::Counts;
use chainkeeper::reconcile::Counted;
use chainkeeper::report;
use chainkeeper::status::{Day, Status, TableState, YieldedChain};
use chainkeeper::story::{Event, Gap, GapFlows, Outcome, Suspects, Taken, What};
use chainkeeper_contract::{Family, Table};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn key(family: Family, table: Table, chain: &str) -> ChainKey {
    ChainKey { family, table, chain: chain.into() }
}

fn counters() -> Vec<Counted> {
    let one = |family, table, (chain, counts, packets): (&str, Counts, u64)| Counted {
        family,
        table,
        chain: chain.into(),
        rule: "as it is printed".into(),
        counts,
        packets,
        bytes: packets * 60,
    };
    let nat = [
        ("KUBE-MARK-MASQ", Counts::Other, 13_000),
        ("KUBE-POSTROUTING", Counts::Masqueraded, 12_930),
        ("KUBE-POSTROUTING", Counts::Other, 99),
    ];
    let filter = [("KUBE-FIREWALL", Counts::Dropped, 3), ("KUBE-FIREWALL", Counts::Martian, 0)];
    let v4 = nat.map(|c| one(Family::Ipv4, Table::Nat, c));
    let v4 = v4.into_iter().chain(filter.map(|c| one(Family::Ipv4, Table::Filter, c)));
    let masquerade = ("KUBE-POSTROUTING", Counts::Masqueraded, 4);
    v4.chain([one(Family::Ipv6, Table::Nat, masquerade)]).collect()
}

fn good() -> Status {
    let tables = BTreeMap::from(Table::ALL.map(|table| (table, TableState::InSync)));
    Status {
        version: "0.3.0".into(),
        pid: 1,
        backend: "nft".into(),
        why: "KUBE-IPTABLES-HINT is in nf_tables (ip, ip6 mangle); no legacy table exists".into(),
        watch: "events".into(),
        up_ms: 273_600_000,
        generation: Some(1933),
        looked_ms: Some(31_000),
        keep: "all".into(),
        families: BTreeMap::from(Family::ALL.map(|family| (family, tables.clone()))),
        errors: vec![],
        problems: vec![],
        counters: counters(),
        yielded: vec![],
        paused_ms: None,
        busy_ms: None,
        busy_most_ms: 260_000,
        day: Day {
            repairs: 4,
            gap_p50_ms: 255.2,
            gap_max_ms: 278.4,
            by: [("iptables-restor".to_owned(), 3), ("iptables".to_owned(), 1)].into(),
        },
    }
}

/// Without colour, and no wider than a terminal.
fn plain(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    plain.lines().for_each(|line| assert!(line.chars().count() <= 80, "{line}"));
    plain
}

#[test]
fn status_on_a_good_day() {
    assert_snapshot!("status_good", plain(&report::status(&good())));
}

#[test]
fn status_on_bad_days() {
    let mut yielding = good();
    let firewall = key(Family::Ipv4, Table::Filter, "KUBE-FIREWALL");
    let by = "iptables-restor (pid 5121, kube-proxy.service)".into();
    yielding.yielded = vec![YieldedChain { chain: firewall, by, rounds: 5, again_ms: 720_000 }];
    yielding
        .families
        .get_mut(&Family::Ipv4)
        .expect("it")
        .insert(Table::Filter, TableState::Yielded);
    yielding.paused_ms = Some(598_000);
    yielding.counters.retain(|c| c.counts != Counts::Dropped);
    let most = yielding.counters.iter_mut().find(|c| c.counts == Counts::Masqueraded);
    most.expect("it").packets = u64::MAX - 4;
    yielding
        .counters
        .iter_mut()
        .filter(|c| c.counts == Counts::Martian)
        .for_each(|c| c.packets = 1);
    let mut broken = good();
    let failed = BTreeMap::from(Table::ALL.map(|table| (table, TableState::Failed)));
    broken.families.insert(Family::Ipv6, failed);
    broken.errors = vec!["ip6: cannot read the ip6 tables: ip6tables-legacy-save: exit 3".into()];
    broken.watch = "no news of what others write: cannot listen to commits: operation not \
                    permitted (EPERM)"
        .into();
    let mut watching = good();
    (watching.keep, watching.looked_ms) = ("none".into(), None);
    watching.counters.clear();
    watching.families.get_mut(&Family::Ipv4).expect("it").insert(Table::Nat, TableState::Watched);
    watching.problems = vec!["ip nat the table is dormant: it hooks nothing; left alone".into()];
    let days = [yielding, broken, watching].map(|status| plain(&report::status(&status)));
    assert_snapshot!("status_bad", days.join("\n"));
}

fn culprit(name: &str, thread: u32, unit: Option<&str>) -> Culprit {
    let process = unit.map(|unit| Process {
        pid: thread,
        parent: None,
        unit: Some(unit.into()),
        container: None,
        command: Some("iptables-restore --noflush".into()),
    });
    let unknown = process.is_none().then(|| "gone before it could be asked".to_owned());
    Culprit { name: Some(name.into()), thread: Some(thread), process, unknown }
}

fn by(any_of: Vec<Culprit>, incomplete: bool) -> Vec<Suspects> {
    vec![Suspects { any_of, incomplete }]
}

fn gap(by: Vec<Suspects>, took: Vec<Taken>, outcome: Outcome) -> What {
    What::Gap(Gap { by, commits: Some(6), took, outcome })
}

fn told() -> [What; 9] {
    let loss = Loss { absent: true, rules: 2, jumps: 1, changed: false };
    let chains = ["KUBE-MARK-DROP", "KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-SERVICES"];
    let taken = |family, n: usize| {
        let one = |chain: &&str| Taken { key: key(family, Table::Nat, chain), loss: loss.clone() };
        chains[..n].iter().map(one).collect::<Vec<_>>()
    };
    let repaired =
        Outcome::Repaired { quiet_ms: 250.4, took_ms: 9.4, detected_ms: Some(0.9), gap_ms: 263.0 };
    let (quick, slow) = (
        culprit("iptables", 4121, None),
        culprit("iptables-restor", 5121, Some("firewalld.service")),
    );
    let all = [taken(Family::Ipv4, 4), taken(Family::Ipv6, 4)].concat();
    let masq = key(Family::Ipv4, Table::Nat, "KUBE-MARK-MASQ");
    let would = Outcome::WouldRepair { quiet_ms: 251.0 };
    [
        gap(by(vec![slow.clone()], false), all, repaired.clone()),
        gap(by(vec![quick.clone()], false), taken(Family::Ipv4, 1), repaired),
        gap(by(vec![quick.clone(), slow.clone()], false), taken(Family::Ipv6, 2), would),
        gap(by(vec![quick], true), taken(Family::Ipv4, 1), Outcome::Returned { gap_ms: 12_300.0 }),
        What::Flows(GapFlows {
            of: 1,
            without_translation: 12,
            unknown_start: 4,
            first: vec![],
            ended: 3,
        }),
        What::Yielded {
            chain: masq.clone(),
            by: by(vec![slow], false),
            rounds: 5,
            again_ms: 60_000,
        },
        What::Recovered { chain: masq },
        What::Paused { for_ms: 600_000 },
        What::Resumed { by_itself: true },
    ]
}

/// One of each kind, as it is printed for programs.
pub(crate) fn event_samples() -> Vec<Value> {
    let event = |(number, what)| json!(Event { number, at_ms: 0, what });
    (1..).zip(told()).map(event).collect()
}

/// The same of how the service is.
pub(crate) fn status_samples() -> Vec<Value> {
    let mut status = good();
    let states = [TableState::Watched, TableState::Drifted, TableState::Failed];
    status.families.insert(Family::Ipv4, Table::ALL.into_iter().zip(states).collect());
    status.families.insert(Family::Ipv6, [(Table::Nat, TableState::Yielded)].into());
    let chain = key(Family::Ipv4, Table::Filter, "KUBE-FIREWALL");
    status.yielded = vec![YieldedChain { chain, by: "kube-proxy".into(), rounds: 5, again_ms: 1 }];
    vec![json!(status)]
}

#[test]
fn events() {
    let told = told();
    let screen = |(number, what)| {
        let event = Event { number, at_ms: 0, what };
        plain(&report::event_screen(&event, "2026-11-26T16:02:11.482Z"))
    };
    let screens: Vec<String> = (1..).zip(told.clone()).map(screen).collect();
    let line = |(number, what)| report::event_line(&Event { number, at_ms: 0, what }) + "\n";
    let lines: Vec<String> = (1..).zip(told).map(line).collect();
    assert_snapshot!("events", screens.concat() + "\nin the journal\n" + &lines.concat());
}

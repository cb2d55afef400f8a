//! The one line that a service manager shows, and how long an order may take. From the data alone.
use chainkeeper::config::Settings;
use chainkeeper::damage::{ChainKey, Damage, Loss};
use chainkeeper::notify::line;
use chainkeeper::report;
use chainkeeper::status::{Day, Status, TableState, YieldedChain, hangs};
use chainkeeper::worker::longest;
use chainkeeper_contract::{Family, Table};
use std::collections::BTreeMap;
use std::time::Duration;

fn key(table: Table, chain: &str) -> ChainKey {
    ChainKey { family: Family::Ipv4, table, chain: chain.into() }
}

fn missing(keys: &[ChainKey]) -> Damage {
    let loss = Loss { absent: true, ..Loss::default() };
    Damage(keys.iter().map(|key| (key.clone(), loss.clone())).collect())
}

fn status(states: &[(Table, TableState)]) -> Status {
    Status {
        version: String::new(),
        pid: 1,
        backend: "nft".into(),
        why: String::new(),
        watch: "events".into(),
        up_ms: 1,
        generation: None,
        looked_ms: Some(1),
        keep: "all".into(),
        families: BTreeMap::from([(Family::Ipv4, states.iter().copied().collect())]),
        errors: vec![],
        counters: vec![],
        problems: vec![],
        yielded: vec![],
        paused_ms: None,
        busy_ms: None,
        busy_most_ms: 30_000,
        day: Day::default(),
    }
}

#[test]
fn the_line_names_what_keeps_it_from_its_work_first() {
    let (masq, mark) = (key(Table::Nat, "KUBE-POSTROUTING"), key(Table::Nat, "KUBE-MARK-MASQ"));
    let firewall = key(Table::Filter, "KUBE-FIREWALL");
    let nothing = Damage::default();
    let well = status(&[(Table::Nat, TableState::InSync)]);
    assert_eq!(line(&well, &nothing, false), "nft: in sync");
    assert_eq!(line(&well, &nothing, true), "nft: in sync; the last reload was refused");

    let drifted = status(&[(Table::Nat, TableState::Drifted)]);
    let two = missing(&[masq.clone(), mark.clone()]);
    assert_eq!(line(&drifted, &two, false), "nft: missing: ip nat KUBE-MARK-MASQ and 1 more");
    let paused = Status { paused_ms: Some(1000), ..drifted.clone() };
    assert_eq!(
        line(&paused, &two, false),
        "nft: paused; missing: ip nat KUBE-MARK-MASQ and 1 more"
    );

    // What is yielded is not called missing, too.
    let mut yielding =
        status(&[(Table::Nat, TableState::Drifted), (Table::Filter, TableState::Yielded)]);
    let by = "kube-proxy".into();
    yielding.yielded = vec![YieldedChain { chain: firewall.clone(), by, rounds: 5, again_ms: 1 }];
    let both = missing(&[firewall.clone(), mark.clone()]);
    let text = "nft: missing: ip nat KUBE-MARK-MASQ; left to others: ip filter KUBE-FIREWALL";
    assert_eq!(line(&yielding, &both, false), text);

    let watching =
        Status { keep: String::new(), ..status(&[(Table::Filter, TableState::Watched)]) };
    let gone = missing(&[firewall]);
    assert_eq!(line(&watching, &gone, false), "nft: gone, only watched: ip filter KUBE-FIREWALL");

    let failing = Status {
        errors: vec!["ip6: cannot\nread".into(), "ip: too".into()],
        looked_ms: None,
        ..status(&[(Table::Nat, TableState::Failed)])
    };
    assert_eq!(line(&failing, &nothing, false), "nft: failed: ip6: cannot");
    let long = Status { errors: vec!["é".repeat(1000)], ..failing };
    assert_eq!(line(&long, &nothing, false).chars().count(), 163);
}

#[test]
fn an_order_may_take_as_long_as_its_tools_and_locks_may_and_no_longer() {
    let longest = |text: &str| {
        let settings: Settings = toml(text);
        longest(&settings.check().expect("it is well"))
    };
    assert_eq!(longest("backend = \"nft\""), Duration::from_secs(30));
    // Half a minute for a tool, 5 s for the lock.
    assert_eq!(longest(""), Duration::from_secs(8 * 30 + 4 * 5));
    assert_eq!(longest("backend = \"legacy\"\nlock-wait = \"1m\""), Duration::from_secs(480));
    // Nobody has that long; it is no reason to fall over.
    assert_eq!(longest("lock-wait = \"500000000000y\"").checked_add(Duration::from_secs(1)), None);
}

fn toml(text: &str) -> Settings {
    chainkeeper::config::parse("a test", text).expect("it is well")
}

#[test]
fn alive_is_who_is_not_over_his_time() {
    let second = Duration::from_secs(1);
    assert!(!hangs(None, second) && !hangs(Some(second), second));
    assert!(hangs(Some(second + Duration::from_millis(1)), second));
    let mut status = status(&[(Table::Nat, TableState::Failed)]);
    assert!(status.is_alive() && status.works());
    status.busy_ms = Some(30_000);
    assert!(status.works());
    status.busy_ms = Some(180_500);
    assert!(!status.is_alive() && !status.works());
    let said = report::live(&status);
    assert_eq!(said, "running, but the worker has hung for 3 min 1 s\n");
    assert!(report::status(&status).contains("an order takes at most 30 s"));
    // A service of before, which does not tell.
    let mut old = serde_json::to_value(&status).expect("JSON");
    let keys = old.as_object_mut().expect("an object");
    assert!(keys.remove("busy_ms").is_some() && keys.remove("busy_most_ms").is_some());
    let old: Status = serde_json::from_value(old).expect("it is read");
    assert!(old.is_alive());
}

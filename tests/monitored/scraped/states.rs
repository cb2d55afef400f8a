//! What is a matter of now: pauses, yields, what is only watched, reloads, and the process itself.
use super::super::wipe::{Kind, Wipe, whole};
use super::super::{Story, keeping, quick, started};
use super::{SERVED, is_liked};
use crate::support::{ADDRESS, Host, On, eventually};
use chainkeeper::story::What;
use chainkeeper_contract::{Family, Table};

fn wipe(on: On, kind: Kind) -> Wipe {
    let (family, table) = (Family::Ipv4, Table::Nat);
    Wipe { kind, on, family, table, chain: "KUBE-MARK-MASQ".into(), n: 0 }
}

const PLACE: &str = "{family=\"ip\",table=\"nat\"}";

#[test]
fn a_pause_shows_and_what_is_missing_then() {
    for on in On::BOTH {
        let host = Host::of(on);
        let (_run, _story) = keeping(&host, &format!("{} {SERVED}", quick(on)));
        let all = whole(&host);
        assert_eq!(host.get(ADDRESS, "/readyz").expect("served").status, 200);
        host.ck_ok("pause --for 10m", 0);
        wipe(on, Kind::Delete).commit(&host, &all).expect("it is there");
        eventually("it is seen", || host.scrape().sum("missing") > 0.0);
        let scrape = host.scrape();
        let missing =
            |kind| scrape.at(&format!("missing{{family=\"ip\",table=\"nat\",kind=\"{kind}\"}}"));
        assert_eq!((missing("chain"), missing("rule"), missing("jump")), (1.0, 1.0, 0.0));
        assert_eq!((scrape.at("paused"), scrape.at("pauses_total")), (1.0, 1.0));
        assert_eq!(scrape.at(&format!("in_sync{PLACE}")), 0.0);
        assert_eq!(scrape.sum("in_sync"), 5.0);
        let ready = host.get(ADDRESS, "/readyz").expect("served");
        assert_eq!(ready.status, 503);
        assert!(
            ready.text.contains("ip nat: drifted\n") && ready.text.contains("paused"),
            "{ready:?}"
        );
        assert_eq!(host.get(ADDRESS, "/livez").expect("served").status, 200);
        host.ck_ok("resume", 0);
        eventually("it is repaired", || host.scrape().sum("missing") == 0.0);
        let scrape = host.scrape();
        assert_eq!((scrape.at("paused"), scrape.at("pauses_total")), (0.0, 1.0));
        assert_eq!(host.get(ADDRESS, "/readyz").expect("served").status, 200);
    }
}

#[test]
fn a_yielded_chain_shows() {
    let host = Host::new();
    let (_run, story) = keeping(&host, &format!("--settle 10ms {SERVED}"));
    let all = whole(&host);
    let mut repairs = 0.0;
    loop {
        wipe(On::Nft, Kind::Flush).commit(&host, &all).expect("it is there");
        match story.next().what {
            What::Gap(_) => repairs += 1.0,
            What::Yielded { .. } => break,
            other @ (What::Flows(_)
            | What::Recovered { .. }
            | What::Paused { .. }
            | What::Resumed { .. }) => panic!("{other:?}"),
        }
    }
    let scrape = host.scrape();
    let chain = "{family=\"ip\",table=\"nat\",chain=\"KUBE-MARK-MASQ\"}";
    assert_eq!(scrape.at(&format!("yields_total{chain}")), 1.0);
    assert_eq!(scrape.at("yielded_chains"), 1.0);
    assert_eq!(scrape.at(&format!("repairs_total{PLACE}")), repairs);
    assert_eq!(scrape.at("missing{family=\"ip\",table=\"nat\",kind=\"rule\"}"), 1.0);
    let ready = host.get(ADDRESS, "/readyz").expect("served");
    assert!(ready.status == 503 && ready.text.contains("ip nat: yielded"), "{ready:?}");
    is_liked(&host);
}

#[test]
fn what_is_only_observed_is_counted_once() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        let all = whole(&host);
        let words = format!("--observe --settle 20ms --sync-period 200ms {SERVED}");
        let _run = started(&host, &words);
        let story = Story::of(&host);
        for round in [1.0, 2.0] {
            wipe(on, Kind::Flush).commit(&host, &all).expect("it is there");
            story.gap();
            let scrape = host.scrape();
            assert_eq!(scrape.at("observe"), 1.0);
            assert_eq!(scrape.at(&format!("would_repairs_total{PLACE}")), round);
            assert_eq!(scrape.sum("losses_total"), round);
            assert_eq!(scrape.sum("culprits_total"), round);
            assert_eq!((scrape.sum("in_sync"), scrape.sum("missing")), (6.0, 1.0));
            assert_eq!(scrape.at("commits_total") + scrape.sum("repairs_total"), 0.0);
            host.ck_ok("apply", 0);
            story.gap();
            let scrape = host.scrape();
            assert_eq!(scrape.at(&format!("returns_total{PLACE}")), round);
            assert_eq!(scrape.sum("losses_total"), round);
            assert_eq!(scrape.sum("culprits_total"), round);
            assert_eq!(scrape.at("gap_seconds_count"), round);
        }
    }
}

#[test]
fn it_says_what_it_is_and_what_it_uses() {
    let host = Host::new();
    let wall =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after");
    let before = wall().as_secs_f64();
    let (run, _story) = keeping(&host, SERVED);
    let scrape = host.scrape();
    let encoder = if cfg!(feature = "nftnl") { "nftnl" } else { "pure" };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        scrape.at(&format!("build_info{{version=\"{version}\",encoder=\"{encoder}\"}}")),
        1.0
    );
    assert_eq!(scrape.sum("backend_info{backend=\"nft\",basis=\"remembered\""), 1.0);
    assert_eq!(scrape.at("mixed_host"), 0.0);
    let start = scrape.at("process_start_time_seconds");
    assert!(before - 1.0 <= start && start <= wall().as_secs_f64(), "{start} {before}");
    let looked = scrape.at("last_look_timestamp_seconds");
    assert!(before <= looked && looked <= wall().as_secs_f64() + 0.01, "{looked}");
    let fds = run.descriptors() as f64;
    // While it answers it has the connection open, and its own list.
    assert!((scrape.at("process_open_fds") - fds).abs() <= 3.0, "{fds}");
    let threads = run.threads().len() as f64;
    assert_eq!(scrape.at("process_threads"), threads);
    assert!(scrape.at("process_resident_memory_bytes") > 1e6);
    assert!(scrape.at("process_cpu_seconds_total") < 60.0);
    // What can be known is there from the beginning.
    assert_eq!(scrape.all("missing").count(), 24);
    assert_eq!(scrape.all("losses_total").count(), 24);
    assert_eq!(scrape.all("errors_total").count(), 6);
    assert!(host.status().is_some());
}

#[test]
fn rules_of_others_in_both_backends_are_a_mixed_host() {
    let host = Host::unknown();
    host.sh("iptables-nft -A INPUT -p tcp --dport 1 -j ACCEPT; iptables-legacy -A INPUT -p tcp --dport 1 -j ACCEPT");
    let _run = started(&host, SERVED);
    assert_eq!(host.scrape().at("mixed_host"), 1.0);
}

#[test]
fn what_could_not_be_done_is_counted_by_its_kind() {
    let host = Host::of(On::Legacy);
    let (_run, _story) =
        keeping(&host, &format!("--settle 10ms --sync-period 100ms --lock-wait 1s {SERVED}"));
    let lock = host.hold_lock(30);
    host.sh("printf '*nat\n-F KUBE-MARK-MASQ\nCOMMIT\n' | XTABLES_LOCKFILE=/dev/null iptables-legacy-restore --noflush");
    eventually("it is counted", || host.scrape().at("errors_total{kind=\"lock\"}") > 0.0);
    drop(lock);
}

//! More than one keeper at once on legacy, where only the lock keeps them apart.
use crate::support::{Host, On, PROGRAM};
use chainkeeper::config::Settings;
use chainkeeper::memory::Memory;
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::CanaryPolicy;
use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use std::sync::Barrier;

/// Another keeper with the host's lock and memory.
fn keeper(host: &Host) -> Keeper {
    let config = Settings::default().check().expect("defaults");
    let setup = Setup { lock: host.lock(), ..Setup::with(Tools::find()) };
    let backend = LegacyBackend::open(setup).expect("iptables-legacy");
    Keeper::new(Box::new(backend), config).remembering(Memory::at(&host.state()))
}

#[test]
fn keepers_that_repair_at_once_make_no_double_rule() {
    let host = Host::of(On::Legacy);
    host.ck_ok("apply", 0);
    let whole = host.legacy_tables();
    for _ in 0..20 {
        host.sh(
            "iptables-legacy -D INPUT -j KUBE-FIREWALL; iptables-legacy -t nat -F KUBE-MARK-MASQ",
        );
        let start = Barrier::new(4);
        let repair = || {
            let mut keeper = keeper(&host);
            start.wait();
            keeper.apply(CanaryPolicy::Write).expect("apply").applied.map_or(0, |a| a.commits)
        };
        let commits: u32 = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(|| host.inside(repair)));
            threads.into_iter().map(|t| t.join().expect("no panic")).sum()
        });
        assert_eq!(commits, 1, "one of them wrote, once");
        assert_eq!(host.legacy_tables(), whole);
    }
}

#[test]
fn two_that_come_to_an_empty_host_make_everything_once_and_remember_all_of_it() {
    for _ in 0..5 {
        let host = Host::of(On::Legacy);
        let both = format!("{PROGRAM} apply & one=$!; {PROGRAM} apply; wait $one");
        host.sh(&both);
        let tables = host.legacy_tables();
        assert_eq!(tables.matches("-A INPUT -j KUBE-FIREWALL").count(), 2, "{tables}");
        let state = std::fs::read_to_string(host.state()).expect("a state file");
        let state: serde_json::Value = serde_json::from_str(&state).expect("JSON");
        let name = |c: &serde_json::Value| {
            let word = |i: usize| c[i].as_str().expect("a word").to_owned();
            let family = if word(0).ends_with('4') { "ip" } else { "ip6" };
            format!("{family} {} {}", word(1), word(2))
        };
        let mut created: Vec<_> =
            state["created"].as_array().expect("a list").iter().map(name).collect();
        created.sort();
        assert_eq!(created, host.our_chains(On::Legacy));
        host.ck_ok("remove", 0);
        assert_eq!(host.our_chains(On::Legacy), [""; 0]);
    }
}

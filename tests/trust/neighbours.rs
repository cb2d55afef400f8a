//! A kubelet's and a kube-proxy's exact writes, by version and mode, beside a running service. The programs
//! themselves are in scripts/neighbours.
use super::{Row, many};
use crate::beside::kube_proxy::{CLEANUP, IPVS};
use crate::beside::{events, is_whole, service, yielded};
use crate::eyes::others::{
    ENSURE, Eyes, INSTALLED, KUBE_PROXY, KUBE_PROXY_FILTER, KUBE_PROXY_FIREWALL, KUBE_PROXY_NAT,
    KUBELET, KUBELET_1_28,
};
use crate::support::{Host, On, at_once, comes_true};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

/// Longer than `--settle`, and than the sizes of legacy tables are left alone.
const QUIET: Duration = Duration::from_millis(1500);

/// What is run at each sync, of both families.
type Sync = fn(&str) -> String;

/// Its rules one by one.
fn ensured(ipt: &str, words: &str) -> String {
    format!("ipt={ipt}\n{ENSURE}\n{words}")
}

/// Those, and then chains that are written anew.
fn restored(ipt: &str, words: &str, filter: &str) -> String {
    let filter = if ipt.starts_with("iptables") { filter } else { "" };
    let nat = KUBE_PROXY_NAT.replace("BIT", "0x00004000");
    format!("{}\n{ipt}-restore --noflush <<'END'\n{filter}{nat}END\n", ensured(ipt, words))
}

fn ipvs(ipt: &str) -> String {
    let (family, set) = match ipt.starts_with("iptables") {
        true => ("inet", "KUBE-LOOP-BACK"),
        false => ("inet6", "KUBE-6-LOOP-BACK"),
    };
    format!("ipt={ipt} set={set} family={family}\n{}", IPVS.replace("SET", set))
}

fn cleaned(ipt: &str) -> String {
    format!("ipt={ipt} all= file=$STATE_DIRECTORY/cleanup\n{CLEANUP}\nrm $file")
}

/// Lost is a sync that fails, or after which something is not as it is without us; that is answered by a write of
/// ours though it was the same before, but for one that `takes` ours; or that leaves ours not whole, or left to others.
fn beside(what: &'static str, syncs: usize, takes: bool, sync: Sync) {
    let row = Mutex::new(Row::new(what, "syncs"));
    let writes = Mutex::new(0);
    at_once(INSTALLED, |eyes| {
        let alone = eyes.host();
        let host = eyes.host();
        let run = service(&host, "");
        for round in 1..=syncs {
            let before = host.writes();
            let mut said = String::new();
            for ipt in eyes.programs {
                let _ = alone.try_sh(&sync(ipt));
                let theirs = host.try_sh(&sync(ipt));
                said += &if theirs.code == 0 { String::new() } else { format!("{theirs:?}") };
            }
            let after = if eyes.on == On::Nft { host.writes() } else { before };
            if !comes_true(10, || is_whole(&host, "")) {
                said += "ours is not whole; ";
            }
            sleep(QUIET);
            let ours = host.writes() - after;
            if round > 1 && (ours > 0) != takes {
                said += &format!("{ours} writes of ours; ");
            }
            *writes.lock().expect("no panic") += ours;
            said += &missing(eyes, &alone, &host);
            let how = || format!("{} sync {round}: {said}\n{}", eyes.on.name(), run.journal());
            row.lock().expect("no panic").one(said.is_empty(), how);
        }
        assert_eq!(yielded(&events(&host)), [""; 0], "{}", run.journal());
    });
    let writes = writes.into_inner().expect("no panic");
    row.into_inner().expect("no panic").end(&format!("{writes} writes of ours"));
}

/// The lines of a save that are there without us and not beside us.
fn missing(eyes: Eyes<'_>, alone: &Host, host: &Host) -> String {
    let mut all = String::new();
    for (without, with) in eyes.saves(alone).iter().zip(eyes.saves(host)) {
        let gone = without.lines().filter(|line| !with.lines().any(|beside| beside == *line));
        all.extend(gone.map(|line| format!("without us there is {line}; ")));
    }
    all
}

#[test]
fn kubelet_1_24() {
    beside("a kubelet's writes, 1.24", many(3, 20), false, |ipt| ensured(ipt, KUBELET));
}

#[test]
fn kubelet_1_28() {
    beside("a kubelet's writes, from 1.28", many(3, 20), false, |ipt| ensured(ipt, KUBELET_1_28));
}

#[test]
fn kube_proxy_1_24() {
    let sync = |ipt: &str| restored(ipt, KUBE_PROXY, "");
    beside("a kube-proxy's syncs, iptables mode, up to 1.24", many(3, 20), false, sync);
}

#[test]
fn kube_proxy_iptables() {
    let sync =
        |ipt: &str| restored(ipt, &[KUBE_PROXY, KUBE_PROXY_FIREWALL].concat(), KUBE_PROXY_FILTER);
    beside("a kube-proxy's syncs, iptables mode, newer", many(3, 20), false, sync);
}

#[test]
fn kube_proxy_ipvs() {
    beside("a kube-proxy's syncs, ipvs mode", many(3, 20), false, ipvs);
}

/// Each start takes out what an earlier one in iptables mode has left.
#[test]
fn kube_proxy_nftables() {
    let start = |ipt: &str| restored(ipt, KUBE_PROXY, "") + &cleaned(ipt);
    beside("a kube-proxy's starts, nftables mode, after iptables mode", many(2, 4), true, start);
}

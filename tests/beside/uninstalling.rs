//! Uninstallers: what they take out stays out while the service is paused, and no longer.
use super::{events, is_whole, service};
use crate::support::{Host, On, at_once, eventually};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// As k3s-killall.sh has it.
const KILLALL: &str = "$T-save | grep -v KUBE- | grep -v CNI- | grep -v flannel | $T-restore";

/// What chains of ours are left.
fn left(host: &Host) -> Vec<String> {
    let saves = host.on().both_iptables().map(|tool| host.sh(&format!("{tool}-save")));
    let ours = |line: &&str| line.starts_with(":KUBE-");
    saves.iter().flat_map(|save| save.lines().filter(ours).map(str::to_owned)).collect()
}

#[test]
fn nothing_comes_back_during_a_pause_and_all_of_it_after_resume() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        // Looks often: nor does a pass bring it back.
        let _run = service(&host, "--sync-period 200ms");
        host.ck_ok("pause", 0);
        for tool in on.both_iptables() {
            host.by(tool, KILLALL);
        }
        let before = host.writes();
        sleep(Duration::from_millis(1200));
        assert_eq!(left(&host), [""; 0]);
        assert_eq!(host.writes(), before, "something was written");
        assert!(host.ck_ok("status", 1).contains("nothing is written"));
        assert!(host.ck_ok("check", 1).contains("paused"));
        assert_eq!(host.ck_ok("resume", 0), "resumed\n");
        eventually("all is back", || is_whole(&host, ""));
        assert_ne!(left(&host), [""; 0]);
    });
}

#[test]
fn a_pause_ends_by_itself() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        let run = service(&host, "");
        let began = Instant::now();
        host.ck_ok("pause --for 1500ms", 0);
        for tool in on.both_iptables() {
            host.by(tool, KILLALL);
        }
        eventually("all is back", || is_whole(&host, ""));
        assert!(began.elapsed() >= Duration::from_millis(1500), "it came back during the pause");
        assert!(run.journal().contains("the pause is over"), "{}", run.journal());
        eventually("it is told", || events(&host).len() == 3);
        let told = events(&host);
        let kinds: Vec<&str> = told.iter().filter_map(|e| e["event"].as_str()).collect();
        assert_eq!(kinds, ["paused", "resumed", "gap"], "{told:#?}");
        assert_eq!(told[1]["by_itself"], true, "{told:#?}");
        assert_eq!(host.ck_ok("resume", 0), "it was not paused\n");
    });
}

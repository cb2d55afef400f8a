//! Somebody who deletes again and again what we mend.
use super::{events, is_whole, looping, repairs, service, unwrapped, yielded};
use crate::support::{EVERYWHERE, Host, On, Running, Scratch, at_once, eventually, within};

/// Seconds for rounds of each side: a legacy table is looked at each second.
const PATIENCE: u64 = 40;

/// The loop looks for the rule that it deletes, so it commits only when we have mended it.
fn deleter(host: &Host, tool: &str) -> (Running, Scratch) {
    let rule = "-t nat -D KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000";
    looping(host, &format!("while :; do {tool} -w 5 {rule} 2>/dev/null; sleep 0.05; done"))
}

/// This chain has its rules, whatever else is missing.
fn has_rules(host: &Host, tool: &str, chain: &str) -> bool {
    host.try_sh(&format!("{tool} -w 5 -t nat -S {chain} | grep -q -- -A")).code == 0
}

#[test]
fn who_undoes_a_chain_five_times_keeps_it_so_and_the_others_are_still_kept() {
    at_once(EVERYWHERE, |(on, tool, family)| {
        let host = Host::of(on);
        let run = service(&host, "");
        let _deleter = deleter(&host, tool);
        let flush = || {
            host.by(tool, "$T -w 5 -t nat -F KUBE-POSTROUTING");
            eventually("another chain is mended", || has_rules(&host, tool, "KUBE-POSTROUTING"));
        };
        flush();
        let given_up = || run.journal().contains(&format!("yielded {family} nat KUBE-MARK-MASQ: "));
        within(PATIENCE, "it is yielded", given_up);
        flush();
        let told = events(&host);
        assert_eq!(yielded(&told), ["KUBE-MARK-MASQ"], "{told:#?}");
        let one = told.iter().find(|e| e["event"] == "yielded").expect("it is there");
        assert_eq!(one["rounds"], 5, "{one}");
        // The first of five times was the loss of what was written when we started.
        assert_eq!(repairs(&told, family, "KUBE-MARK-MASQ").len(), 4, "{told:#?}");
        assert!(!has_rules(&host, tool, "KUBE-MARK-MASQ"));
        let chain = format!("{family} nat KUBE-MARK-MASQ");
        let status = unwrapped(&host.ck_ok("status", 1));
        assert!(status.contains(&format!("{chain}: ")) && status.contains("5 times"), "{status}");
        let check = unwrapped(&host.ck_ok("check", 1));
        assert!(check.contains(&format!("yielded {chain}: ")), "{check}");
    });
}

/// Once nobody has undone it for 30 s it counts as kept, and may be undone five times again.
#[test]
fn a_chain_that_was_yielded_is_tried_again_and_kept_again() {
    let hosts = EVERYWHERE.map(|(on, tool, family)| {
        let host = Host::of(on);
        let run = service(&host, "--yield-for 1s");
        let given_up = format!("yielded {family} nat KUBE-MARK-MASQ: ");
        let deleter = deleter(&host, tool);
        within(PATIENCE, "it is yielded", || run.journal().contains(&given_up));
        drop(deleter);
        eventually("it is tried again", || is_whole(&host, ""));
        (host, run, format!("kept again: {family} nat KUBE-MARK-MASQ"))
    });
    for (host, run, kept) in &hosts {
        within(60, "it is kept again", || run.journal().contains(kept));
        assert!(is_whole(host, ""));
        host.ck_ok("status", 0);
        let last = events(host).pop().expect("there are events");
        assert_eq!(last["event"], "recovered", "{last}");
    }
}

#[test]
fn who_is_told_to_insist_never_yields() {
    at_once(On::BOTH, |on| {
        let (host, tool) = (Host::of(on), on.both_iptables()[0]);
        let run = service(&host, "--on-conflict insist --settle 100ms");
        let deleter = deleter(&host, tool);
        let often = || repairs(&events(&host), "ip", "KUBE-MARK-MASQ").len() > 5;
        within(PATIENCE, "it is mended again and again", often);
        drop(deleter);
        eventually("all is in place", || is_whole(&host, ""));
        assert_eq!(yielded(&events(&host)), [""; 0]);
        assert!(!run.journal().contains("yielded"), "{}", run.journal());
    });
}

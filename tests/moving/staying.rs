//! When not to move: where that was not asked for, and where evidence is only missing.
use super::{chains, ends, hint, hinted, kubelet_moves, running, says, started, times, whole};
use crate::support::{Host, On, eventually};
use std::thread::sleep;
use std::time::Duration;

/// Several passes.
fn a_while() {
    sleep(Duration::from_millis(350));
}

#[test]
fn warn_warns_once_and_stays() {
    for (from, to, now) in [
        ("nft", "legacy", "legacy (ip, ip6 mangle), none in nf_tables"),
        ("legacy", "nft", "nf_tables (ip, ip6 mangle); none in legacy"),
    ] {
        let host = hinted(from);
        let run = running(&host, from, "");
        kubelet_moves(&host, from, to);
        let words = format!("others use {to} now: KUBE-IPTABLES-HINT is in {now}");
        says(&run, &words);
        a_while();
        assert_eq!(times(&run, &words), 1, "{}", run.journal());
        let journal = run.journal();
        let line = journal.lines().find(|l| l.contains(&words)).expect("it was there");
        let end = format!("; staying with {from} (--on-backend-change warn)");
        assert!(line.ends_with(&end), "{line}");
        assert_eq!(chains(&host, to).len(), 2, "kubelet's own, nothing of ours");
        assert!(whole(&host, from));
        // And it goes on keeping.
        host.sh(&format!("iptables-{from} -t nat -F KUBE-MARK-MASQ"));
        let back =
            format!("iptables-{from} -t nat -C KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000");
        eventually("the rule is back", || host.try_sh(&back).code == 0);
        ends(run, 0);
    }
}

#[test]
fn exit_ends_with_seven_and_leaves_the_chains_and_the_next_start_moves() {
    let host = hinted("legacy");
    let mut run = running(&host, "legacy", "--on-backend-change exit --on-exit remove");
    let before = chains(&host, "legacy");
    hint(&host, "nft", "N");
    // Hints in both are no change yet.
    a_while();
    assert_eq!(times(&run, "stopping"), 0, "{}", run.journal());
    hint(&host, "legacy", "X");
    assert_eq!(run.ended(), 7, "{}", run.journal());
    says(&run, "stopping (--on-backend-change exit)");
    let left = chains(&host, "legacy");
    let kept = |c: &&String| !c.ends_with("HINT");
    // Nor is kubelet's hint put back where it has just left.
    assert!(before.iter().filter(kept).eq(left.iter()), "{left:?}");
    assert_eq!(chains(&host, "nft").len(), 2, "kubelet's own");
    let run = running(&host, "nft", "--on-backend-change exit");
    eventually("the old one is swept", || chains(&host, "legacy").is_empty());
    ends(run, 0);
}

#[test]
fn missing_evidence_is_no_change() {
    // One commit for a table: we repair at the same time.
    let flush = "for i in ip ip6; do printf '*%s\\nCOMMIT\\n' nat filter mangle | ${i}tables-legacy-restore; done";
    for (backend, other, flush) in
        [("nft", "legacy", "nft flush ruleset"), ("legacy", "nft", flush)]
    {
        for change in ["follow", "exit"] {
            let host = hinted(backend);
            let run = running(&host, backend, &format!("--on-backend-change {change}"));
            hint(&host, backend, "X");
            a_while();
            host.sh(flush);
            eventually("all is back", || whole(&host, backend));
            // A table that somebody lists, and rules of others: no sign of kubelet.
            host.sh(&format!(
                "iptables-{other} -L >&2; iptables-{other} -A INPUT -p tcp -j ACCEPT"
            ));
            a_while();
            assert_eq!(chains(&host, other), [""; 0]);
            let journal = ends(run, 0);
            let moved = ["others use", "moved from", "stopping"];
            assert!(!moved.iter().any(|w| journal.contains(w)), "{change}: {journal}");
        }
    }
}

/// The choice outlives the evidence and the program.
#[test]
fn a_new_start_without_evidence_is_no_change_either() {
    for backend in ["nft", "legacy"] {
        let host = hinted(backend);
        ends(running(&host, backend, ""), 0);
        hint(&host, backend, "X");
        host.ck_ok("apply", 0);
        assert!(whole(&host, backend));
        let text = host.ck_ok("probe", 0);
        assert!(text.starts_with(&format!("{backend:6} chosen earlier (")), "{text}");
    }
}

#[test]
fn what_goes_against_a_choice_is_said_once() {
    let host = hinted("nft");
    hint(&host, "legacy", "N");
    let run = running(&host, "nft", "");
    a_while();
    assert_eq!(times(&run, "mixed host: KUBE-IPTABLES-HINT is in "), 1, "{}", run.journal());
    let host = hinted("nft");
    let run = running(&host, "legacy", "--backend legacy");
    a_while();
    assert_eq!(
        times(&run, "goes against the host: KUBE-IPTABLES-HINT is in nf_tables"),
        1,
        "{}",
        run.journal()
    );
}

#[test]
fn a_lock_file_or_table_of_the_other_backend_does_not_come_into_being() {
    let host = Host::of(On::Nft);
    let run = running(&host, "nft", "--on-backend-change follow");
    a_while();
    ends(run, 0);
    assert!(!host.lock().exists());
    assert_eq!(host.sh("cat /proc/net/ip_tables_names /proc/net/ip6_tables_names || true"), "");
}

/// A reload takes kubelet's hint for a while, and a kube-proxy stands in the other backend all the time.
#[test]
fn a_hint_that_goes_and_comes_moves_nothing_to_and_fro() {
    for (here, other) in [("legacy", "nft"), ("nft", "legacy")] {
        let host = hinted(here);
        host.sh(&format!("iptables-{other} -t nat -N KUBE-SERVICES"));
        let run = running(&host, here, "--on-backend-change follow");
        for how in ["X", "N", "X"] {
            // We write one in its place, which kubelet finds there.
            host.sh(&format!(
                "for i in ip ip6; do ${{i}}tables-{here} -t mangle -{how} KUBE-IPTABLES-HINT || true; done"
            ));
            a_while();
            assert_eq!(chains(&host, other), ["ip nat KUBE-SERVICES"], "{}", run.journal());
        }
        let journal = ends(run, 0);
        assert!(!journal.contains("others use") && !journal.contains("cannot move"), "{journal}");
        assert!(whole(&host, here));
    }
}

#[test]
fn another_number_of_others_rules_is_no_news() {
    let host = hinted("nft");
    let more = || host.sh("iptables-legacy -A FORWARD -s 10.0.0.1 -j ACCEPT");
    more();
    let run = running(&host, "nft", "");
    for _ in 0..4 {
        more();
        a_while();
    }
    assert_eq!(times(&run, "mixed host: "), 1, "{}", run.journal());
    ends(run, 0);
}

#[test]
fn a_run_that_keeps_nothing_writes_no_file() {
    for on_exit in ["keep", "remove"] {
        let host = Host::unknown();
        hint(&host, "legacy", "N");
        std::fs::remove_file(host.lock()).expect("kubelet's tools have used it");
        let words = format!(
            "--make-iptables-util-chains=false --on-exit {on_exit} --on-backend-change follow"
        );
        let run = started(&host, &words);
        a_while();
        hint(&host, "nft", "N");
        hint(&host, "legacy", "X");
        std::fs::remove_file(host.lock()).expect("kubelet's tools have used it");
        a_while();
        let journal = ends(run, 0);
        assert!(!host.lock().exists(), "{on_exit}: {journal}");
        assert!(!host.state().exists(), "{on_exit}: {journal}");
        assert_eq!(chains(&host, "nft").len(), 2, "kubelet's own");
    }
}

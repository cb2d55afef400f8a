//! Moving, under traffic and by every way there is.
use super::traffic::Traffic;
use super::{chains, ends, hint, hinted, kubelet_moves, running, says, times, whole};
use crate::support::{Host, On, Scratch, eventually};

const OTHER: [(&str, &str); 2] = [("legacy", "nft"), ("nft", "legacy")];

/// Only in that backend are chains of ours; kubelet's hint is where it is.
fn only_in(host: &Host, backend: &str, other: &str) {
    eventually("all are in the new backend", || whole(host, backend));
    eventually("the old one is swept", || chains(host, other).is_empty());
}

#[test]
fn while_run_follows_kubelet_no_packet_slips_through() {
    let traffic = Traffic::new();
    let host = &traffic.sender;
    hint(host, "legacy", "N");
    let run = running(host, "legacy", "--on-backend-change follow");
    traffic.forget();
    traffic.during(|| {
        for (n, (from, to)) in OTHER.into_iter().cycle().take(4).enumerate() {
            traffic.flows_while(|| {
                kubelet_moves(host, from, to);
                only_in(host, to, from);
            });
            eventually("it says so, once", || times(&run, "moved from") == n + 1);
        }
    });
    traffic.was_safe(2000);
    let journal = ends(run, 0);
    assert!(!journal.contains("ERROR"), "{journal}");
    host.ck_ok("diff", 0);
}

#[test]
fn while_apply_moves_and_sweeps_no_packet_slips_through() {
    let traffic = Traffic::new();
    let host = &traffic.sender;
    host.ck_ok("apply --backend nft", 0);
    traffic.forget();
    traffic.during(|| {
        for (from, to) in OTHER.into_iter().rev().cycle().take(4) {
            let text = traffic.flows_while(|| host.ck_ok(&format!("apply --backend {to}"), 0));
            assert!(text.contains(&format!("in {from}\n")), "{text}");
            assert_eq!(chains(host, from), [""; 0], "in {from} after the move to {to}");
            // The hint is ours, and where the chains are.
            let hints = chains(host, to).into_iter().filter(|c| c.ends_with("IPTABLES-HINT"));
            assert_eq!(hints.count(), 2, "in {to}");
        }
    });
    traffic.was_safe(2000);
}

#[test]
fn without_a_state_file_it_follows_as_well() {
    let host = hinted("legacy");
    let run = running(&host, "legacy", "--on-backend-change follow --state-file none");
    for (from, to) in OTHER.into_iter().cycle().take(3) {
        kubelet_moves(&host, from, to);
        only_in(&host, to, from);
    }
    ends(run, 0);
}

/// The canary of an older kubelet is a hint, too; then KUBE-IPTABLES-HINT is ours, and moves with us.
#[test]
fn our_own_hint_is_no_reason_to_stay() {
    let canary = |host: &Host, backend: &str, how: &str| {
        host.sh(&format!("iptables-{backend} -t mangle -{how} KUBE-KUBELET-CANARY"));
    };
    let host = Host::unknown();
    canary(&host, "legacy", "N");
    let run = running(&host, "legacy", "--on-backend-change follow");
    for (from, to) in OTHER.into_iter().cycle().take(3) {
        canary(&host, to, "N");
        canary(&host, from, "X");
        only_in(&host, to, from);
        let hints = chains(&host, to).into_iter().filter(|c| c.ends_with("IPTABLES-HINT"));
        assert_eq!(hints.count(), 2, "in {to}");
    }
    ends(run, 0);
}

#[test]
fn sighup_with_another_backend_in_the_file_moves() {
    let host = Host::of(On::Nft);
    let file = Scratch::new("backend", "backend = 'nft'\n");
    let run = running(&host, "nft", &format!("--config {}", file.path()));
    for (from, to) in OTHER.into_iter().rev().cycle().take(4) {
        file.write(format!("backend = '{to}'\n"));
        run.signal("HUP");
        only_in(&host, to, from);
        says(&run, &format!("configuration reloaded: {to}: --backend {to} says so"));
    }
    ends(run, 0);
    // What was asked for is not what the host told.
    assert!(host.ck_ok("probe", 0).starts_with("nft    chosen earlier ("));
}

#[test]
fn with_on_exit_remove_nothing_is_left_in_either() {
    let host = hinted("legacy");
    let run = running(&host, "legacy", "--on-backend-change follow --on-exit remove");
    kubelet_moves(&host, "legacy", "nft");
    only_in(&host, "nft", "legacy");
    ends(run, 0);
    let left = ["ip mangle KUBE-IPTABLES-HINT", "ip6 mangle KUBE-IPTABLES-HINT"];
    assert_eq!(chains(&host, "nft"), left, "kubelet's own");
    assert_eq!(chains(&host, "legacy"), [""; 0]);
}

/// What was chosen without evidence is not held on to: a kube-proxy is the first to tell.
#[test]
fn a_guess_follows_a_kube_proxy() {
    for (from, to) in OTHER {
        let host = Host::unknown();
        host.plain(if from == "nft" { "v1.8.9 (nf_tables)" } else { "v1.8.9 (legacy)" });
        let run = running(&host, from, "--on-backend-change follow");
        host.sh(&format!("iptables-{to} -t nat -N KUBE-SERVICES"));
        only_in(&host, to, from);
        eventually("it says so", || times(&run, &format!("moved from {from} to {to}")) == 1);
        ends(run, 0);
    }
}

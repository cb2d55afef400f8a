//! `run`: what is lost comes back, what is another's does not, and signals do what they should.
use super::{FAMILIES, TO_POSTROUTING, chains, kept_host, our_chains, rules};
use crate::support::{Host, PROGRAM, Running, Scratch, eventually};
use std::thread::sleep;
use std::time::Duration;

const MARK: &str = "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000";

/// Starts `run` with a short period and waits for its first pass.
fn running(host: &Host, words: &str) -> Running {
    let run = host.start(PROGRAM, &format!("run --sync-period 200ms {words}"));
    eventually("the chains are there", || FAMILIES.iter().all(|(_, f)| whole(host, f)));
    run
}

fn whole(host: &Host, family: &str) -> bool {
    our_chains(host, family).len() >= 8
}

fn has(host: &Host, family: &str, chain: &str) -> bool {
    our_chains(host, family).iter().any(|c| c == chain)
}

fn stop(mut run: Running) -> String {
    run.signal("TERM");
    let code = run.ended();
    let journal = run.journal();
    assert_eq!(code, 0, "{journal}");
    journal
}

#[test]
fn what_is_lost_comes_back_and_nothing_else_is_written() {
    let host = Host::new();
    let run = running(&host, "");
    for (tool, family) in FAMILIES {
        host.sh(&format!("{tool} -t nat -F KUBE-MARK-MASQ"));
        let back = || rules(&host, tool, "nat", "KUBE-MARK-MASQ") == [MARK];
        eventually("the rule is back", back);
        host.sh(&format!("{tool} -t mangle -X KUBE-IPTABLES-HINT"));
        eventually("the chain is back", || has(&host, family, "mangle KUBE-IPTABLES-HINT"));
        // All of it but the canary, which the next test is about.
        host.sh(&format!("nft delete table {family} nat"));
        eventually("the table is back", || host.ck("diff").code == 0);
        assert_eq!(rules(&host, tool, "nat", "POSTROUTING"), [TO_POSTROUTING]);
    }
    let before = host.generation();
    sleep(Duration::from_millis(700));
    assert_eq!(host.generation(), before, "an idle pass wrote something");
    stop(run);
}

#[test]
fn kubelets_canary_does_not_come_back_but_ours_does() {
    for (tool, family) in FAMILIES {
        let host = Host::new();
        host.sh(&format!("{tool} -t nat -N KUBE-KUBELET-CANARY"));
        let run = running(&host, "");
        // In nat the shared name is theirs and the other one ours; in mangle the shared one is ours.
        host.sh(&format!(
            "{tool} -t nat -X CHAINKEEPER-CANARY; {tool} -t mangle -X KUBE-KUBELET-CANARY"
        ));
        eventually("our canary is back", || has(&host, family, "nat CHAINKEEPER-CANARY"));
        sleep(Duration::from_secs(1));
        assert!(!has(&host, family, "mangle KUBE-KUBELET-CANARY"), "somebody's alarm was silenced");
        let journal = stop(run);
        assert!(
            journal.contains(&format!("{family} mangle = KUBE-KUBELET-CANARY pending")),
            "{journal}"
        );
    }
}

#[test]
fn sigterm_leaves_the_chains() {
    let host = Host::new();
    let run = running(&host, "");
    let before = (host.generation(), chains(&host));
    let journal = stop(run);
    assert!(journal.contains("stopped; the chains stay in place"), "{journal}");
    assert!(before == (host.generation(), chains(&host)));
    host.ck_ok("diff", 0);
}

#[test]
fn with_on_exit_remove_they_are_gone() {
    for signal in ["TERM", "INT"] {
        let host = Host::new();
        let mut run = running(&host, "--on-exit remove");
        run.signal(signal);
        assert_eq!(run.ended(), 0, "{}", run.journal());
        assert!(run.journal().contains("stopped; what we made is gone"), "{}", run.journal());
        for (_, family) in FAMILIES {
            assert_eq!(our_chains(&host, family), [""; 0]);
        }
    }
}

#[test]
fn sighup_takes_a_good_file_and_refuses_a_broken_one() {
    let host = Host::new();
    let file = Scratch::new("sighup", "masquerade-bit = 14\n");
    let run = running(&host, &format!("--config {}", file.path()));
    let marks = |mask: &str| {
        let mark = format!("-A KUBE-MARK-MASQ -j MARK --set-xmark {mask}/{mask}");
        FAMILIES
            .iter()
            .all(|(tool, _)| rules(&host, tool, "nat", "KUBE-MARK-MASQ") == [mark.clone()])
    };
    assert!(marks("0x4000"));
    file.write("masquerade-bit = 20\n");
    run.signal("HUP");
    eventually("the new bit is there", || marks("0x100000"));
    for (tool, _) in FAMILIES {
        let all = rules(&host, tool, "nat", "KUBE-POSTROUTING");
        assert_eq!(all.len(), 3, "{all:#?}");
        assert!(
            all[0].contains("0x100000/0x100000") && all[1].contains("0x100000/0x0"),
            "{all:#?}"
        );
    }

    file.write("masquerade-bit = 21\nmasqurade-bit = 3\n");
    run.signal("HUP");
    let said = "keeping the last good configuration: config";
    eventually("it says why", || run.journal().contains(said));
    let journal = run.journal();
    assert!(journal.contains("line 2: unknown key `masqurade-bit`"), "{journal}");
    host.sh("iptables-nft -t nat -F KUBE-MARK-MASQ");
    eventually("it goes on with the last good one", || marks("0x100000"));
    stop(run);
}

#[test]
fn a_sandbox_leaves_the_host_alone() {
    let host = Host::new();
    let before = host.generation();
    let run = host.start(PROGRAM, "run --sandbox --sync-period 200ms");
    eventually("its first pass", || run.journal().contains("one commit, generation 1 -> 2"));
    // Its chains are real, in a namespace of its own.
    let enter = format!("nsenter -t {} -U -n --preserve-credentials", run.pid());
    let inside = host.sh(&format!("{enter} nft list ruleset"));
    assert!(inside.contains("chain KUBE-MARK-MASQ"), "{inside}");
    stop(run);
    assert_eq!(host.generation(), before);
    assert_eq!(host.sh("nft list ruleset"), "");
}

#[test]
fn with_make_iptables_util_chains_false_nothing_is_made_and_nothing_removed() {
    let host = kept_host();
    host.sh("iptables-nft -t nat -F KUBE-MARK-MASQ");
    let before = (host.generation(), chains(&host));
    let words = "run --sync-period 100ms --make-iptables-util-chains=false --on-exit remove";
    let run = host.start(PROGRAM, words);
    eventually("it runs", || run.journal().contains("chainkeeper "));
    sleep(Duration::from_millis(500));
    stop(run);
    assert!(before == (host.generation(), chains(&host)), "something was written");
}

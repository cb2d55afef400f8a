//! `run`: what is lost comes back, what is another's does not, and signals do what they should.
use super::{TO_POSTROUTING, chains, kept_host, our_chains, rules};
use crate::support::{EVERYWHERE, Host, On, PROGRAM, Running, Scratch, eventually, nobody};
use std::thread::sleep;
use std::time::Duration;

const MARK: &str = "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000";

/// Starts `run` with a short period and waits for its first pass.
fn running(host: &Host, words: &str) -> Running {
    let run = host.start(PROGRAM, &format!("run --sync-period 200ms {words}"));
    eventually("the chains are there", || ["ip", "ip6"].iter().all(|f| whole(host, f)));
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
    for on in On::BOTH {
        let host = Host::of(on);
        let run = running(&host, "");
        for (_, tool, family) in EVERYWHERE.into_iter().filter(|e| e.0 == on) {
            host.by(tool, "$T -w 5 -t nat -F KUBE-MARK-MASQ");
            let back = || rules(&host, tool, "nat", "KUBE-MARK-MASQ") == [MARK];
            eventually("the rule is back", back);
            host.by(tool, "$T -w 5 -t mangle -X KUBE-IPTABLES-HINT");
            eventually("the chain is back", || has(&host, family, "mangle KUBE-IPTABLES-HINT"));
            // All of it but the canary, which the next test is about.
            match on {
                On::Nft => host.sh(&format!("nft delete table {family} nat")),
                On::Legacy => host.by(tool, "echo '*nat\nCOMMIT' | $T-restore -w 5"),
            };
            eventually("the table is back", || host.ck("diff").code == 0);
            assert_eq!(rules(&host, tool, "nat", "POSTROUTING"), [TO_POSTROUTING]);
        }
        let before = host.writes();
        sleep(Duration::from_millis(700));
        assert_eq!(host.writes(), before, "an idle pass wrote something");
        stop(run);
    }
}

#[test]
fn kubelets_canary_does_not_come_back_but_ours_does() {
    for on in On::BOTH {
        let host = Host::of(on);
        let both = |script: &str| on.both_iptables().map(|tool| host.by(tool, script));
        both("$T -t nat -N KUBE-KUBELET-CANARY");
        let run = running(&host, "");
        // In nat the shared name is theirs and the other one ours; in mangle the shared one is ours.
        both("$T -w 5 -t nat -X CHAINKEEPER-CANARY; $T -w 5 -t mangle -X KUBE-KUBELET-CANARY");
        let families = ["ip", "ip6"];
        let back = || families.iter().all(|f| has(&host, f, "nat CHAINKEEPER-CANARY"));
        eventually("our canary is back", back);
        sleep(Duration::from_secs(1));
        let journal = stop(run);
        for family in families {
            let theirs = has(&host, family, "mangle KUBE-KUBELET-CANARY");
            assert!(!theirs, "somebody's alarm was silenced");
            let pending = format!("{family} mangle KUBE-KUBELET-CANARY: pending");
            assert!(journal.contains(&pending), "{journal}");
        }
    }
}

#[test]
fn sigterm_leaves_the_chains() {
    for on in On::BOTH {
        let host = Host::of(on);
        let run = running(&host, "");
        let before = (host.writes(), chains(&host));
        let journal = stop(run);
        assert!(journal.contains("stopped; the chains stay in place"), "{journal}");
        assert!(before == (host.writes(), chains(&host)));
        host.ck_ok("diff", 0);
    }
}

#[test]
fn with_on_exit_remove_they_are_gone() {
    for (on, signal) in [(On::Nft, "TERM"), (On::Nft, "INT"), (On::Legacy, "TERM")] {
        let host = Host::of(on);
        let mut run = running(&host, "--on-exit remove");
        run.signal(signal);
        assert_eq!(run.ended(), 0, "{}", run.journal());
        assert!(run.journal().contains("stopped; what we made is gone"), "{}", run.journal());
        for family in ["ip", "ip6"] {
            assert_eq!(our_chains(&host, family), [""; 0]);
        }
    }
}

#[test]
fn sighup_takes_a_good_file_and_refuses_a_broken_one() {
    On::BOTH.into_iter().for_each(sighup);
}

fn sighup(on: On) {
    let host = Host::of(on);
    let file = Scratch::new(&format!("sighup-{}", on.name()), "masquerade-bit = 14\n");
    let run = running(&host, &format!("--config {}", file.path()));
    let marks = |mask: &str| {
        let mark = format!("-A KUBE-MARK-MASQ -j MARK --set-xmark {mask}/{mask}");
        on.both_iptables()
            .iter()
            .all(|tool| rules(&host, tool, "nat", "KUBE-MARK-MASQ") == [mark.clone()])
    };
    assert!(marks("0x4000"));
    file.write("masquerade-bit = 20\n");
    run.signal("HUP");
    eventually("the new bit is there", || marks("0x100000"));
    for tool in on.both_iptables() {
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
    host.by(on.both_iptables()[0], "$T -w 5 -t nat -F KUBE-MARK-MASQ");
    eventually("it goes on with the last good one", || marks("0x100000"));
    stop(run);
}

/// Its namespace is empty, and there nft is chosen.
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

/// Nor a `--backend`: the kernel's list of legacy tables is for who is uid 0 in there.
#[test]
fn a_sandbox_needs_no_root() {
    let Some(nobody) = nobody(65534, "-all") else { return };
    let said = Host::new().ck_under(&format!("{nobody} timeout 5"), "run --sandbox");
    assert!(said.stderr.contains("one commit, generation 1 -> 2"), "{}", said.stderr);
}

#[test]
fn with_make_iptables_util_chains_false_nothing_is_made_and_nothing_removed() {
    for on in On::BOTH {
        let host = kept_host(on);
        host.by(on.both_iptables()[0], "$T -t nat -F KUBE-MARK-MASQ");
        let before = (host.writes(), chains(&host));
        let words = "run --sync-period 100ms --make-iptables-util-chains=false --on-exit remove";
        let run = host.start(PROGRAM, words);
        eventually("it runs", || run.journal().contains("chainkeeper "));
        sleep(Duration::from_millis(500));
        stop(run);
        assert!(before == (host.writes(), chains(&host)), "something was written");
    }
}

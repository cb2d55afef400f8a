//! A move that fails keeps the old backend, and says so.
use super::{chains, ends, hinted, kubelet_moves, running, says, times, whole};
use crate::support::{Host, PROGRAM, Running, eventually};
use std::thread::sleep;
use std::time::Duration;

/// It says so once, all of ours stays in `from`, and is kept there.
fn stays(host: &Host, run: &Running, from: &str, words: &str) {
    says(run, words);
    sleep(Duration::from_millis(500));
    assert_eq!(times(run, words), 1, "{}", run.journal());
    assert!(chains(host, from).len() >= 14, "{:?}", chains(host, from));
    host.sh(&format!("iptables-{from} -t nat -F KUBE-MARK-MASQ"));
    let rule =
        format!("iptables-{from} -t nat -C KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000");
    eventually("the rule is back", || host.try_sh(&rule).code == 0);
}

#[test]
fn a_tool_that_fails_is_named_and_when_it_works_again_we_move() {
    let host = hinted("nft");
    host.doctor("restore", "echo such is life >&2; exit 1");
    let run = running(&host, "nft", "--on-backend-change follow");
    kubelet_moves(&host, "nft", "legacy");
    stays(&host, &run, "nft", "cannot move to legacy: ");
    let journal = run.journal();
    assert!(journal.contains("iptables-legacy-restore: exit 1: such is life"), "{journal}");
    host.doctor("restore", "exec $real \"$@\"");
    eventually("it moves", || whole(&host, "legacy"));
    eventually("the old one is swept", || chains(&host, "nft").is_empty());
    eventually("it says so, once", || times(&run, "moved from nft to legacy") == 1);
    ends(run, 0);
}

#[test]
fn a_tool_that_is_gone_is_named() {
    let host = hinted("nft");
    host.doctor("save", "exec $real \"$@\"");
    host.doctor("restore", "exec $real \"$@\"");
    let run = running(&host, "nft", "--on-backend-change follow");
    host.heal();
    kubelet_moves(&host, "nft", "legacy");
    stays(&host, &run, "nft", "; staying with nft");
    let journal = run.journal();
    assert!(journal.contains("iptables-legacy-save: No such file or directory"), "{journal}");
    assert_eq!(chains(&host, "legacy").len(), 2, "kubelet's own");
    ends(run, 0);
}

/// kubelet moves by tools with another lock, or it would wait, too.
fn kubelet_moves_all_the_same(host: &Host, from: &str, to: &str) {
    host.sh(&format!(
        "export XTABLES_LOCKFILE=$XTABLES_LOCKFILE.kubelet
         for i in ip ip6; do ${{i}}tables-{to} -t mangle -N KUBE-IPTABLES-HINT; done
         for i in ip ip6; do ${{i}}tables-{from} -t mangle -X KUBE-IPTABLES-HINT; done"
    ));
}

#[test]
fn a_lock_that_is_held_is_named_and_when_it_is_free_we_move() {
    let host = hinted("nft");
    let run = running(&host, "nft", "--on-backend-change follow --lock-wait 100ms");
    let holder = host.hold_lock(100);
    kubelet_moves_all_the_same(&host, "nft", "legacy");
    stays(&host, &run, "nft", "cannot move to legacy: cannot take the xtables lock ");
    drop(holder);
    eventually("it moves", || whole(&host, "legacy") && chains(&host, "nft").is_empty());
    ends(run, 0);
}

#[test]
fn a_sweep_that_fails_is_said_once_and_done_later() {
    let host = hinted("legacy");
    let run = running(&host, "legacy", "--on-backend-change follow --lock-wait 100ms");
    let holder = host.hold_lock(100);
    kubelet_moves_all_the_same(&host, "legacy", "nft");
    stays(&host, &run, "nft", "chains of ours are left in the other backend");
    assert!(whole(&host, "legacy"));
    drop(holder);
    eventually("it is swept", || chains(&host, "legacy").is_empty());
    ends(run, 0);
}

/// The commit was taken, and still not all of ours is in place: what works must not be swept.
#[test]
fn a_place_that_cannot_be_written_in_the_new_backend_keeps_the_old_one() {
    let host = hinted("legacy");
    let run = running(&host, "legacy", "--on-backend-change follow");
    host.sh("nft add table ip nat '{ flags dormant; }'");
    kubelet_moves(&host, "legacy", "nft");
    stays(&host, &run, "legacy", "cannot move to nft: ");
    assert!(run.journal().contains("the table is dormant"), "{}", run.journal());
    host.sh("nft add table ip nat '{ }'");
    eventually("it moves", || whole(&host, "nft"));
    eventually("the old one is swept", || chains(&host, "legacy").is_empty());
    ends(run, 0);
}

#[test]
fn an_apply_that_cannot_put_a_family_in_place_does_not_sweep_it() {
    let host = hinted("legacy");
    host.ck_ok("apply", 0);
    let of = |family: &str| {
        let all = chains(&host, "legacy").into_iter();
        all.filter(|c| c.starts_with(&format!("{family} "))).collect::<Vec<_>>()
    };
    let before = of("ip");
    host.sh("nft add table ip nat '{ flags dormant; }'");
    assert_eq!(host.ck("apply --backend nft").code, 5);
    assert_eq!(of("ip"), before);
    assert_eq!(of("ip6"), ["ip6 mangle KUBE-IPTABLES-HINT"], "kubelet's own");
}

/// In nf_tables too many jumps, in legacy a tool that fails.
fn break_ip6(host: &Host) {
    let names: Vec<String> = std::iter::once("KUBE-POSTROUTING".into())
        .chain((1..16).map(|n| format!("C{n}")))
        .collect();
    host.sh("nft add table ip6 nat");
    names.iter().for_each(|name| drop(host.sh(&format!("nft add chain ip6 nat {name}"))));
    for pair in names.windows(2) {
        host.sh(&format!("nft add rule ip6 nat {} jump {}", pair[0], pair[1]));
    }
    for kind in ["save", "restore"] {
        host.put(&format!("ip6tables-legacy-{kind}"), "echo no ip6 here >&2; exit 3");
    }
}

#[test]
fn a_family_that_works_in_neither_keeps_the_other_one_from_nothing() {
    for (from, to) in [("nft", "legacy"), ("legacy", "nft")] {
        let host = hinted(from);
        break_ip6(&host);
        let run = host.start(PROGRAM, "run --sync-period 100ms --on-backend-change follow");
        let ip = |backend| {
            let all = chains(&host, backend).into_iter();
            all.filter(|c| c.starts_with("ip ") && !c.ends_with("HINT")).count()
        };
        eventually("ip is served", || ip(from) == 7);
        kubelet_moves(&host, from, to);
        eventually("ip moves", || ip(to) == 7);
        eventually("the old one is swept", || ip(from) == 0);
        sleep(Duration::from_millis(500));
        for (words, n) in [("moved from ", 1), ("cannot move", 0), ("in the other backend:", 1)] {
            assert_eq!(times(&run, words), n, "{words}\n{}", run.journal());
        }
        assert!(times(&run, "ERROR") <= 3, "{}", run.journal());
        ends(run, 0);
    }
}

/// Tables are committed one by one: what stands in those before it is written.
#[test]
fn a_table_that_is_refused_after_others_were_written_is_not_nothing() {
    let host = Host::unknown();
    let refused = "sed 's/^-A KUBE-POSTROUTING .*MASQUERADE.*/-A KUBE-POSTROUTING -j NOPE/'";
    host.doctor("restore", &format!("{refused} | $real \"$@\""));
    let said = host.ck("apply --backend legacy");
    assert!(said.code == 3 && !said.stdout.contains("nothing written"), "{said:?}");
    assert!(chains(&host, "legacy").contains(&"ip filter KUBE-FIREWALL".to_owned()));
    assert!(!whole(&host, "legacy"));
    // From now on there is only the refused one left, and each pass tries it.
    let run = host.start(PROGRAM, "run --sync-period 100ms --backend legacy");
    says(&run, "NOPE");
    sleep(Duration::from_millis(500));
    assert_eq!(times(&run, "written"), 0, "{}", run.journal());
    assert_eq!(times(&run, "ERROR"), 1, "{}", run.journal());
    ends(run, 0);
}

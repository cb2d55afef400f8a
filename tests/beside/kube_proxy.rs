//! A live kube-proxy, and beside it a kubelet that makes the same chains: whatever kube-proxy does at each
//! sync, there is an end to what we do about it.
use super::{events, is_whole, repairs, service, unwrapped, yielded};
use crate::eyes::others::{Eyes, INSTALLED, kube_proxy_syncs, kubelet_starts};
use crate::support::{Host, On, at_once, eventually, within};
use serde_json::Value;
use std::thread::sleep;
use std::time::Duration;

const MARK: u32 = 1 << 14;
/// Longer than `--settle`, and than the sizes of legacy tables are left alone.
const QUIET: Duration = Duration::from_millis(1500);

/// Runs the sync, and returns how often we wrote until all was quiet. On nft the generation tells of every
/// commit, and what is committed after the sync is ours.
fn writes_after(host: &Host, sync: impl Fn()) -> usize {
    let before = host.writes();
    sync();
    let before = if host.on() == On::Nft { host.writes() } else { before };
    sleep(QUIET);
    host.writes() - before
}

/// What was done about it, in all chains.
fn gaps(host: &Host) -> Vec<Value> {
    events(host).into_iter().filter(|event| event["event"] == "gap").collect()
}

#[test]
fn in_profile_auto_nobody_fights_a_kube_proxy() {
    at_once(INSTALLED, |eyes| {
        let host = eyes.host();
        let run = service(&host, "--profile auto");
        kubelet_starts(&host, eyes);
        let sync = || kube_proxy_syncs(&host, eyes, MARK);
        // The drop rule gets a chain of its own, once.
        sync();
        eventually("all is in place beside it", || is_whole(&host, "--profile auto"));
        sleep(QUIET);
        let told = gaps(&host).len();
        for round in 1..=3 {
            assert_eq!(writes_after(&host, sync), 0, "sync {round}\n{}", run.journal());
        }
        assert_eq!(gaps(&host).len(), told, "{}", run.journal());
        assert_eq!(yielded(&events(&host)), [""; 0]);
        host.ck_ok("status", 0);
        host.ck_ok("check", 0);
    });
}

/// Asked for by name, KUBE-FIREWALL has a rule that each sync takes.
#[test]
fn in_profile_full_the_chain_that_a_kube_proxy_empties_is_yielded_and_then_all_is_quiet() {
    at_once(INSTALLED, |eyes| {
        let host = eyes.host();
        let run = service(&host, "--profile full");
        kubelet_starts(&host, eyes);
        let sync = || kube_proxy_syncs(&host, eyes, MARK);
        let given_up = || run.journal().contains("yielded ip filter KUBE-FIREWALL: ");
        for _ in 0..6 {
            sync();
            let done = || given_up() || is_whole(&host, "--profile full");
            within(20, "it is mended or yielded", done);
            // Nothing is seen of a loss in a table that another look is still about.
            sleep(QUIET);
        }
        assert!(given_up(), "{}", run.journal());
        let told = events(&host);
        assert_eq!(yielded(&told), ["KUBE-FIREWALL"], "{told:#?}");
        // The first of five times was the loss of what was written when we started.
        assert_eq!(repairs(&told, "ip", "KUBE-FIREWALL").len(), 4, "{told:#?}");
        for round in 1..=3 {
            assert_eq!(writes_after(&host, sync), 0, "sync {round}\n{}", run.journal());
        }
        let status = unwrapped(&host.ck_ok("status", 1));
        assert!(status.contains("yielded ip filter KUBE-FIREWALL: "), "{status}");
        let check = unwrapped(&host.ck_ok("check --profile full", 1));
        assert!(check.contains("yielded ip filter KUBE-FIREWALL: "), "{check}");
    });
}

/// kube-proxy in ipvs mode: an ipset rule before ours, both chains written anew at each sync. Restored with
/// `--noflush`, where `:CHAIN` empties the chain.
pub(crate) const IPVS: &str = r#"
ipset -exist create $set hash:ip,port,ip family $family
$ipt-restore --noflush <<'END'
*nat
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-LOAD-BALANCER - [0:0]
-A KUBE-POSTROUTING -m comment --comment "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose" -m set --match-set SET dst,dst,src -j MASQUERADE
-A KUBE-POSTROUTING -m mark ! --mark 0x00004000/0x00004000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x00004000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --or-mark 0x00004000
COMMIT
END
"#;

fn ipvs_syncs(host: &Host, eyes: Eyes<'_>) {
    let families = [("inet", "KUBE-LOOP-BACK"), ("inet6", "KUBE-6-LOOP-BACK")];
    for (ipt, (family, set)) in eyes.programs.into_iter().zip(families) {
        let script = IPVS.replace("SET", set);
        host.sh(&format!("ipt={ipt} set={set} family={family}\n{script}"));
    }
}

#[test]
fn nobody_fights_a_kube_proxy_in_ipvs_mode() {
    at_once(
        [(INSTALLED[0], "full"), (INSTALLED[0], "auto"), (INSTALLED[1], "full")],
        |(eyes, profile)| {
            let host = eyes.host();
            let words = format!("--profile {profile}");
            let run = service(&host, &words);
            ipvs_syncs(&host, eyes);
            eventually("all is in place", || is_whole(&host, &words));
            sleep(QUIET);
            let told = gaps(&host).len();
            for round in 1..=3 {
                let writes = writes_after(&host, || ipvs_syncs(&host, eyes));
                assert_eq!(writes, 0, "{profile}, sync {round}\n{}", run.journal());
            }
            assert_eq!(gaps(&host).len(), told, "{}", run.journal());
            host.ck_ok("status", 0);
        },
    );
}

/// What kube-proxy in nftables mode takes out at each start of what it had in iptables mode.
pub(crate) const CLEANUP: &str = r#"
gone() { $ipt -w 5 -D "$@" 2>/dev/null || [ $? -le 2 ]; }
gone OUTPUT -t nat -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
gone PREROUTING -t nat -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
gone POSTROUTING -t nat -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
there=$($ipt-save -t nat)
{
    echo '*nat'
    for chain in KUBE-SERVICES KUBE-NODEPORTS KUBE-POSTROUTING KUBE-MARK-MASQ KUBE-PROXY-CANARY; do
        case "$there" in *":$chain "*) echo ":$chain - [0:0]"; all="$all $chain" ;; esac
    done
    for chain in $all; do echo "-X $chain"; done
    echo COMMIT
} >$file
$ipt-restore --noflush <$file
"#;

/// What its syncs took is back once after each start, and nothing of its own is held up by us.
#[test]
fn what_a_kube_proxy_cleans_up_when_it_starts_in_nftables_mode_comes_back() {
    at_once(INSTALLED, |eyes| {
        let host = eyes.host();
        kube_proxy_syncs(&host, eyes, MARK);
        let run = service(&host, "");
        for start in 1..=3 {
            for ipt in eyes.programs {
                host.sh(&format!("ipt={ipt} all= file=$(mktemp)\n{CLEANUP}\nrm $file"));
            }
            let mended = || repairs(&events(&host), "ip6", "KUBE-MARK-MASQ").len() == start;
            within(20, "it is mended", mended);
            within(20, "all is in place", || is_whole(&host, ""));
            sleep(QUIET);
            assert_eq!(repairs(&events(&host), "ip", "KUBE-MARK-MASQ").len(), start);
        }
        assert_eq!(yielded(&events(&host)), [""; 0], "{}", run.journal());
        assert_eq!(writes_after(&host, || ()), 0, "{}", run.journal());
        for ipt in eyes.programs {
            let save = host.sh(&format!("{ipt}-save -t nat"));
            assert!(!save.contains("KUBE-SERVICES"), "{save}");
        }
    });
}

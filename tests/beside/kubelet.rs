//! A live kubelet polls KUBE-KUBELET-CANARY: it must still notice a flush that we have mended.
use super::{is_whole, looping, service};
use crate::eyes::others::{Eyes, kubelet_starts};
use crate::support::{Host, On, Running, Scratch, at_once, eventually};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// kubelet's is 60 s.
const PERIOD: Duration = Duration::from_secs(1);
/// As the default of 130 s is to 60 s.
const WORDS: &str = "--canary-wait 2167ms --profile full";

/// kubelet's monitor (pkg/util/iptables) in the time of `PERIOD`: makes the canaries, and looks at that of
/// mangle from then on. Once it is gone, waits until those of nat and filter are, too, makes its rules,
/// which it says, and begins anew. A table that is busy (4) is no loss.
const MONITOR: &str = r#"
there() { code=0; $ipt -w 5 -S KUBE-KUBELET-CANARY -t $1 >/dev/null 2>&1 || code=$?; [ $code = 0 ] || [ $code = 4 ]; }
while :; do
    for table in mangle nat filter; do $ipt -w 5 -N KUBE-KUBELET-CANARY -t $table 2>/dev/null || [ $? = 1 ]; done
    echo watching >&2
    while sleep 1; there mangle; do :; done
    for n in 1 2 3 4 5 6 7 8; do
        there nat || there filter || break
        sleep 0.01
    done
    echo reload >&2
done
"#;

/// The monitor of each family.
fn monitors(host: &Host) -> Vec<(Running, Scratch)> {
    let one = |ipt: &str| looping(host, &format!("ipt={ipt}\n{MONITOR}"));
    host.on().both_iptables().into_iter().map(one).collect()
}

fn said(monitor: &Running, word: &str) -> usize {
    monitor.journal().lines().filter(|line| *line == word).count()
}

/// Its canary in mangle, in both families.
fn canaries(host: &Host) -> bool {
    let there =
        |tool| host.try_sh(&format!("{tool} -w 5 -t mangle -S KUBE-KUBELET-CANARY")).code == 0;
    host.on().both_iptables().into_iter().all(there)
}

fn flush(host: &Host) {
    for tool in host.on().both_iptables() {
        for table in ["mangle", "nat", "filter"] {
            host.sh(&format!("{tool} -w 5 -t {table} -F; {tool} -w 5 -t {table} -X"));
        }
    }
}

#[test]
fn a_kubelet_notices_each_flush_once() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        kubelet_starts(&host, Eyes::of(on));
        let kubelet = monitors(&host);
        let _run = service(&host, WORDS);
        for round in 1..=2 {
            let all = |word, n| kubelet.iter().all(|(monitor, _)| said(monitor, word) == n);
            eventually("kubelet watches", || all("watching", round));
            flush(&host);
            eventually("kubelet has made its rules anew", || all("reload", round));
            eventually("all is in place", || is_whole(&host, WORDS) && canaries(&host));
        }
        sleep(PERIOD * 3);
        let reloads = kubelet.iter().map(|(monitor, _)| said(monitor, "reload"));
        assert_eq!(reloads.collect::<Vec<_>>(), [2, 2], "nothing was flushed since");
        let told = super::events(&host);
        assert_eq!(super::repairs(&told, "ip", "KUBE-MARK-MASQ").len(), 2, "{told:#?}");
    });
}

#[test]
fn where_no_kubelet_makes_its_canary_we_do_after_a_while() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        let _run = service(&host, WORDS);
        assert!(canaries(&host));
        let began = Instant::now();
        flush(&host);
        eventually("all but the canary is back", || is_whole(&host, WORDS));
        eventually("the canary is back", || canaries(&host));
        let waited = began.elapsed();
        assert!(waited >= Duration::from_millis(2167), "after {waited:?}: a kubelet saw nothing");
    });
}

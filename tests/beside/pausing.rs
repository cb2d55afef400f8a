//! Scripts that make a pause in the middle of their work, longer than `--settle`.
use super::{events, is_whole, repairs, service};
use crate::support::{EVERYWHERE, Host, On, at_once, eventually};

/// Flushes a table and takes its chains out, with a pause between.
const SLOW: &str =
    "$T -t nat -F\nsleep 0.6\n$T -t nat -X\n$T -t filter -F\nsleep 0.6\n$T -t filter -X";

#[test]
fn a_script_that_pauses_is_not_broken_while_we_pause_too() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        let _run = service(&host, "");
        host.ck_ok("pause --for 10m", 0);
        for tool in on.both_iptables() {
            host.by(tool, SLOW);
        }
        assert!(!is_whole(&host, ""), "it came back during the pause");
        assert_eq!(host.ck_ok("resume", 0), "resumed\n");
        eventually("all is back", || is_whole(&host, ""));
    });
}

#[test]
fn nor_is_it_with_a_longer_settle() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        // The pause, and as much again for a machine that is busy.
        let _run = service(&host, "--settle 2s");
        for tool in on.both_iptables() {
            host.by(tool, SLOW);
        }
        assert!(!is_whole(&host, ""), "it came back before it was quiet");
        eventually("all is back", || is_whole(&host, ""));
    });
}

/// The limit of the default, see `--settle`: what is quiet for so long counts as done.
#[test]
fn by_default_a_script_that_pauses_meets_our_chains_again() {
    at_once(EVERYWHERE, |(on, tool, family)| {
        let host = Host::of(on);
        let _run = service(&host, "");
        host.by(tool, "$T -t nat -F");
        eventually("all is back in the middle of its work", || is_whole(&host, ""));
        eventually("it is told", || !events(&host).is_empty());
        let told = events(&host);
        assert_eq!(repairs(&told, family, "KUBE-POSTROUTING").len(), 1, "{told:#?}");
        let quiet = |e: &serde_json::Value| e["outcome"]["quiet_ms"].as_f64().expect("a number");
        assert!(told.iter().all(|e| quiet(e) >= 250.0), "{told:#?}");
        // It goes on: the chains are no longer empty. Done at once, the same works.
        let said = host.try_sh(&format!("{tool} -t nat -X"));
        assert_ne!(said.code, 0, "{}{}", said.stdout, said.stderr);
        eventually("all is back after that", || is_whole(&host, ""));
        host.by(tool, "$T -t nat -F; $T -t nat -X");
        eventually("all is back after it was done at once", || is_whole(&host, ""));
    });
}

/// Who never stops is not waited for any longer than 5 s; this one commits every 50 ms.
#[test]
fn a_writer_that_never_comes_to_rest_is_waited_for_5_s() {
    let host = Host::of(On::Nft);
    let _run = service(&host, "");
    let script = "n=0; while :; do nft add table inet t$((n % 9)); nft delete table inet t$((n % 9)); \
        n=$((n + 1)); sleep 0.05; done";
    let _writer = super::looping(&host, script);
    host.sh("iptables-nft -t nat -F KUBE-MARK-MASQ");
    eventually("it is mended all the same", || is_whole(&host, ""));
    eventually("it is told", || !events(&host).is_empty());
    let told = events(&host);
    let outcome = &told[0]["outcome"];
    let [gap, quiet] = ["gap_ms", "quiet_ms"].map(|ms| outcome[ms].as_f64().expect("a number"));
    assert!(gap >= 5000.0 || quiet >= 250.0, "neither quiet nor late: {told:#?}");
    assert_eq!(told.len(), 1, "{told:#?}");
}

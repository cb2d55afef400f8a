//! What kubelet's own watch promises, computed from its algorithm: nothing of it is measured here.
//!
//! Kubelet (1.2x, `pkg/util/iptables`, `Monitor`) polls every 60 s whether KUBE-KUBELET-CANARY is in
//! mangle. When it is gone, it waits up to 5 s until those of nat and filter are gone, too, and makes all
//! its chains again. A wipe comes at any moment between two polls, so the wait is spread evenly over 60 s:
//! half of them wait for more than 30 s.
use super::quantile;
use super::wipe::Kind;

const POLL_MS: f64 = 60_000.0;
/// So long it waits for the other canaries, when only mangle was wiped.
const PARTIAL_MS: f64 = 5_000.0;

/// How a gap of ours compares.
pub(crate) fn beside(kind: Kind, whole: &[f64]) -> String {
    match kind {
        Kind::Chain => "never: the canary stands".into(),
        Kind::All => format!("{:.0}x as long", POLL_MS / 2.0 / quantile(whole, 50)),
    }
}

/// Its rows, by kinds of wipes.
pub(crate) fn print() {
    let even = |extra: f64| {
        let at = |share: f64| format!("{:6.0}", POLL_MS * share + extra);
        [0.50, 0.99, 1.0].map(at).concat()
    };
    let never = "  never seen";
    for (wiped, wait) in [
        ("all", even(0.0)),
        ("mangle only", even(PARTIAL_MS)),
        ("chain, rules", never.into()),
        ("nat or filter", never.into()),
    ] {
        println!("kubelet {wiped:16}{wait}");
    }
}

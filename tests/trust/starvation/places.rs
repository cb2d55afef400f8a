//! The name of its network namespace is deleted while it runs there, as `ip netns del` does.
use super::super::{BOUND, Row, many};
use super::on_both;
use crate::support::{Host, PROGRAM, comes_true};

/// Lost: not repaired within 10 s, also after a reload, that cannot find the name any more; a spin, an end.
#[test]
fn the_namespace_is_deleted_under_it() {
    let row = Row::new(
        "network namespace deleted under the service (ip netns del), and a reload after it",
        "wipes",
    );
    let row = on_both(row, |on, row| {
        let name = format!("trust-{}-{}", std::process::id(), on.name());
        let outside = Host::of(on);
        outside.sh(&format!("ip netns add {name}"));
        let backend = on.name();
        let words = "--settle 10ms --sync-period 300ms --on-conflict insist";
        let mut run =
            outside.start(PROGRAM, &format!("--netns {name} run --backend {backend} {words}"));
        let pid = run.pid();
        let inside = |script: &str| {
            outside.try_sh(&format!("nsenter -t {pid} -n sh -ec '{script}'")).code == 0
        };
        let tool = on.both_iptables()[0];
        let whole = || {
            inside(&format!("{tool} -S INPUT | grep -q KUBE-FIREWALL"))
                && inside(&format!("{tool} -t nat -S KUBE-POSTROUTING | grep -q MASQUERADE"))
        };
        let started = comes_true(10, whole);
        outside.sh(&format!("ip netns del {name}"));
        row.one(started, || run.journal());
        for n in 0..many(4, 40) {
            if n == many(2, 20) {
                run.signal("HUP");
            }
            inside(&format!(
                "{tool} -w 5 -D INPUT -j KUBE-FIREWALL; {tool} -w 5 -t nat -F KUBE-POSTROUTING"
            ));
            row.one(comes_true(BOUND, whole), || format!("{backend}, {n}: {}", run.journal()));
        }
        let panicked = run.journal().contains("panicked");
        run.signal("TERM");
        let code = run.ended();
        row.one(code == 0 && !panicked, || format!("{backend}: {code}: {}", run.journal()));
    });
    row.end("both backends");
}

//! More news than its receive buffer holds: the kernel drops the rest, and says so (ENOBUFS).
use super::super::{BOUND, Row, many};
use super::Service;
use crate::support::{ADDRESS, On, Scrape, comes_true};

/// Lost: what was taken in a storm and not repaired within 10 s, a storm of which it did not notice that news were
/// lost, a descriptor more than before.
#[test]
fn more_commits_than_its_buffer_holds() {
    let mut row = Row::new(
        "storms of commits that overrun the receive buffer, with chains taken in them",
        "storms",
    );
    let service = Service::new(On::Nft, "--metrics-bind-address 9253");
    let host = &service.host;
    let overruns = || {
        let page = host.get(ADDRESS, "/metrics").map(|got| Scrape::of(&got.text));
        page.and_then(|page| page.get("overruns_total")).unwrap_or_default()
    };
    let fds = || service.run.descriptors();
    let (before, mut commits_made) = (fds(), 0);
    for n in 0..many(2, 15) {
        let lost = overruns();
        service.run.signal("STOP");
        host.storm(&format!("A{n}"), 1000);
        let taken = service.take();
        host.storm(&format!("B{n}"), 1000);
        service.run.signal("CONT");
        commits_made += 2000;
        let ours = || {
            let saved = host.sh("iptables-nft-save -t nat; ip6tables-nft-save -t nat");
            saved.matches("-A KUBE-POSTROUTING").count() == 6
        };
        let whole =
            taken && comes_true(BOUND, || ours() && host.ck("diff --backend nft").code == 0);
        let heard = comes_true(BOUND, || overruns() > lost);
        row.one(whole && heard, || {
            format!("{n}: repaired {whole}, heard of it {heard}\n{}", service.run.journal())
        });
        host.sh("ip6tables-nft-save -t mangle | sed -n 's/^:\\([AB][0-9].*\\) - .*/-X \\1/p' \
                 | { echo '*mangle'; cat; echo COMMIT; } | ip6tables-nft-restore -n");
    }
    row.one(comes_true(15, || service.is_whole()), || "others' rules are not as before".into());
    row.one(comes_true(5, || fds() <= before), || {
        format!("{} descriptors, {before} before", fds())
    });
    let overruns = overruns();
    service.stops(&mut row);
    row.end(&format!("{commits_made} commits, {overruns} overruns"));
}

//! More news than its receive buffer holds: the kernel drops the rest, and says so (ENOBUFS).
use super::super::{BOUND, Row, many};
use super::Service;
use crate::support::{ADDRESS, Host, On, Scrape, comes_true};
use chainkeeper_contract::{Backend as _, Family, Plan, Step, Table};
use chainkeeper_nft::{NftBackend, Setup};
use std::collections::BTreeMap;

/// Small commits of this process, in two threads.
fn commits(host: &Host, name: &str, count: usize) {
    std::thread::scope(|scope| {
        for family in [Family::Ipv4, Family::Ipv6] {
            scope.spawn(move || {
                host.inside(|| {
                    let mut nft = NftBackend::open(Setup::default()).expect("netlink");
                    for n in 0..count / 2 {
                        let (table, chain) = (Table::Mangle, format!("{name}-{n}"));
                        let chain = chain.as_str().into();
                        let families =
                            BTreeMap::from([(family, vec![Step::CreateChain { table, chain }])]);
                        // The other thread may have been faster; it is only about news.
                        let _ = nft.apply(&Plan { generation: None, families });
                    }
                });
            });
        }
    });
}

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
    let fds =
        || std::fs::read_dir(format!("/proc/{}/fd", service.run.pid())).map_or(0, Iterator::count);
    let (before, mut commits_made) = (fds(), 0);
    for n in 0..many(2, 15) {
        let lost = overruns();
        service.run.signal("STOP");
        commits(host, &format!("A{n}"), 1000);
        let taken = service.take();
        commits(host, &format!("B{n}"), 1000);
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
        host.sh("for t in iptables-nft ip6tables-nft; do $t-save -t mangle | sed -n 's/^:\\([AB][0-9].*\\) - .*/-X \\1/p' \
                 | { echo '*mangle'; cat; echo COMMIT; } | $t-restore -n; done");
    }
    row.one(comes_true(15, || service.is_whole()), || "others' rules are not as before".into());
    row.one(comes_true(5, || fds() <= before), || {
        format!("{} descriptors, {before} before", fds())
    });
    let overruns = overruns();
    service.stops(&mut row);
    row.end(&format!("{commits_made} commits, {overruns} overruns"));
}

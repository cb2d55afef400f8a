//! Two services on one host, by mistake or during an update.
use super::wipe::{Kind, Wipe, whole};
use super::{Story, keeping};
use crate::support::{Host, On, PROGRAM, eventually};
use chainkeeper_contract::{Family, Table};
use std::thread::sleep;
use std::time::Duration;

#[test]
fn two_services_agree_and_the_second_says_that_the_socket_is_taken() {
    for on in On::BOTH {
        let host = Host::of(on);
        let words = "--settle 20ms --sync-period 200ms";
        let (mut first, story) = keeping(&host, words);
        let all = whole(&host);
        let second = host.start(PROGRAM, &format!("run {words}"));
        let taken = "another chainkeeper serves there";
        eventually("the second says so", || second.journal().contains(taken));
        for (n, kind) in [Kind::Everything, Kind::Delete, Kind::Jump].into_iter().enumerate() {
            let family = Family::ALL[n % 2];
            let (table, chain) = (Table::Nat, "KUBE-POSTROUTING".to_owned());
            let wipe = Wipe { kind, on, family, table, chain, n: 0 };
            let before = host.writes();
            wipe.commit(&host, &all).expect("it is there");
            story.gap(); // repaired by this one, or by the other one before it could
            eventually("all is there", || whole(&host) == all);
            // The wipe; a repair, its hint apart; and in legacy each of them may have written.
            sleep(Duration::from_millis(700));
            let writes = host.writes();
            assert!(writes - before <= 8, "{on:?} {kind:?}: {} writes", writes - before);
            sleep(Duration::from_secs(1));
            assert_eq!(host.writes(), writes, "{on:?} {kind:?}: it does not come to rest");
            assert_eq!(whole(&host), all);
        }
        let story: Story = story;
        for journal in [first.journal(), second.journal()] {
            assert!(!journal.contains("ERROR") && !journal.contains("yielded"), "{journal}");
        }
        // The second keeps without a socket when the first is gone, file and all.
        first.signal("TERM");
        assert_eq!(first.ended(), 0);
        drop((first, story));
        assert!(!host.socket().exists());
        let (table, chain) = (Table::Filter, "KUBE-FIREWALL".to_owned());
        let wipe = Wipe { kind: Kind::Delete, on, family: Family::Ipv4, table, chain, n: 0 };
        wipe.commit(&host, &all).expect("it is there");
        eventually("all is there", || whole(&host) == all);
    }
}

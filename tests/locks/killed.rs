//! chainkeeper itself is killed in the middle of a pass.
use crate::support::{Host, On, eventually};

/// What somebody else has, with packets that were counted.
const FOREIGN: &str = "iptables-legacy -A INPUT -c 5 300 -p tcp --dport 22 -j ACCEPT
     ip6tables-legacy -t nat -A POSTROUTING -c 2 120 -o eth9 -j RETURN
     iptables-legacy -t nat -N KUBE-MARK-MASQ
     iptables-legacy -t nat -A KUBE-MARK-MASQ -c 3 180 -p icmp -j RETURN";

fn counted(host: &Host) -> Vec<String> {
    let tables = host.legacy_tables();
    let counted = |l: &&str| l.starts_with('[') && !l.starts_with("[0:0]");
    tables.lines().filter(counted).map(str::to_owned).collect()
}

/// Runs apply with a restore that kills it and then does `rest`; waits until both families are done.
fn killed(host: &Host, rest: &str) {
    // Once both families' tools have started, so that each has the parent that is meant.
    let both = "echo >>$here/started; until [ $(wc -l <$here/started) = 2 ]; do sleep 0.01; done";
    let script = format!("{both}\n[ $PPID = 1 ] || kill -9 $PPID\n{rest}\necho done >>$here/done");
    host.doctor("restore", &script);
    assert_eq!(host.ck("apply").code, -1, "it was to be killed");
    eventually("the tools end", || host.left("done") == "done\ndone\n");
    eventually("the lock is let go", || host.lock_is_free());
}

#[test]
fn before_anything_is_written_the_next_pass_is_the_first() {
    let host = Host::of(On::Legacy);
    host.sh(FOREIGN);
    let before = (host.legacy_tables(), counted(&host));
    killed(&host, "");
    assert_eq!(host.legacy_tables(), before.0);
    host.heal();
    host.ck_ok("apply", 0);
    host.ck_ok("diff", 0);
    assert_eq!(counted(&host), before.1);
    host.ck_ok("remove", 0);
    assert_eq!(counted(&host), before.1);
    let left = host.our_chains(On::Legacy);
    assert_eq!(
        left,
        ["ip nat KUBE-MARK-MASQ", "ip nat KUBE-POSTROUTING"],
        "theirs, and its partner"
    );
}

#[test]
fn after_it_was_written_nothing_proves_that_it_is_ours_and_it_stays() {
    let host = Host::of(On::Legacy);
    host.sh(FOREIGN);
    let theirs = counted(&host);
    // Until the tool is done, others are kept out: it writes, whoever has started it.
    let note = "sleep 0.2; flock -s -n $lock true && echo free >>$here/free";
    killed(&host, &format!("{note}\n$real \"$@\""));
    assert_eq!(host.left("free"), "", "somebody could have come in between");
    host.heal();
    let (before, chains) = (host.legacy_tables(), host.our_chains(On::Legacy));
    assert_eq!(chains.len(), 16);
    host.ck_ok("diff", 0);
    // Canaries that are not ours are somebody's, so it makes its own. Those go again.
    host.ck_ok("apply", 0);
    assert_eq!(host.our_chains(On::Legacy).len(), 22);
    let text = host.ck_ok("remove", 0);
    assert!(text.contains("KUBE-FIREWALL") && text.contains("nothing proves that we"), "{text}");
    assert_eq!(host.legacy_tables(), before, "what is not proven ours was removed");
    assert_eq!(counted(&host), theirs);
    host.ck_ok("remove --force", 0);
    assert_eq!(counted(&host), theirs);
}

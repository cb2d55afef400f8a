//! From one dialect to the other, and what stays of either.
use super::{NATIVE, native, nft};
use crate::support::{Host, PROGRAM, Running, Scratch, eventually, in_one_line};

/// What iptables-nft lists of our tables, both families.
fn iptables(host: &Host) -> String {
    host.sh("for six in '' 6; do for t in filter nat; do ip${six}tables-nft -t $t -S; done; done")
}

/// xt rules that are in place mean the same and stay; native ones hide their table and go.
#[test]
fn to_the_native_dialect_nothing_is_rewritten_and_back_all_is_in_one_step() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    let xt = iptables(&host);
    let generation = host.generation();
    host.ck_ok(&format!("{NATIVE} apply"), 0);
    assert_eq!(host.generation(), generation, "what is in place was rewritten");
    host.sh("for f in ip ip6; do nft flush chain $f nat KUBE-POSTROUTING; \
             nft flush chain $f filter KUBE-FIREWALL; done");
    host.ck_ok(&format!("{NATIVE} apply"), 0);
    host.ck_ok(&format!("{NATIVE} diff"), 0);
    let list = nft(&host);
    assert_eq!(list.matches("ct state").count(), 4 + 2 + 2, "only what was lost: {list}");
    let diff = host.ck_ok("diff", 1);
    for chain in ["KUBE-POSTROUTING", "KUBE-FIREWALL"] {
        let why = format!("{chain:19} rewritten: iptables-nft cannot read the native dialect");
        assert_eq!(diff.matches(&why).count(), 2, "{chain}: {diff}");
    }
    host.ck_ok("apply", 0);
    let said = host.ck_ok("diff", 0);
    assert!(!said.contains("hides"), "{said}");
    assert_eq!(iptables(&host), xt);
}

#[test]
fn native_rules_of_another_bit_are_rewritten_and_not_reported_as_somebodys() {
    let host = Host::new();
    host.ck_ok(&format!("{NATIVE} --masquerade-bit 13 apply"), 0);
    let said = host.ck_ok("apply", 0);
    assert!(!said.contains("hides"), "{said}");
    assert!(iptables(&host).contains("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"));
}

/// nft restores no mark of ours. Whose rules they are is not known then.
#[test]
fn native_rules_in_chains_without_our_mark_are_reported_and_left() {
    let host = native();
    host.sh("all=$(nft list ruleset); nft flush ruleset; echo \"$all\" | nft -f -");
    let before = nft(&host);
    let diff = host.ck_ok("--profile full diff", 1);
    assert!(!diff.contains("rewritten: iptables-nft"), "{diff}");
    assert_eq!(diff.matches("a native rule hides this table").count(), 4, "{diff}");
    // One rule is missing: the localnet rule in its xt form.
    host.ck_ok("--profile full apply", 0);
    let marks = |list: &str| list.matches("meta mark set").count();
    assert_eq!(marks(&nft(&host)), marks(&before));
}

#[test]
fn a_native_rule_of_somebody_else_is_reported_and_nothing_is_rewritten_for_it() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    // Also in a chain of ours: it is foreign there.
    for chain in ["POSTROUTING", "KUBE-MARK-MASQ"] {
        host.sh(&format!("nft add rule ip nat {chain} ip daddr 10.0.0.9 ct state new drop"));
        let generation = host.generation();
        let diff = in_one_line(&host.ck_ok("diff", 0));
        assert!(diff.contains("a native rule hides this table from iptables-nft: "), "{diff}");
        host.ck_ok("apply", 0);
        assert_eq!(host.generation(), generation, "{chain}");
    }
}

/// iptables-nft writes `-j TRACE` by an expression of nft, and reads it.
#[test]
fn a_trace_of_iptables_hides_nothing() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    host.sh("iptables-nft -A INPUT -p icmp -j TRACE");
    let diff = host.ck_ok("diff", 0);
    assert!(!diff.contains("hides"), "{diff}");
}

#[test]
fn remove_takes_what_either_dialect_made() {
    for (made, removed) in [("--dialect native", ""), ("", "--dialect native"), (NATIVE, NATIVE)] {
        let host = Host::new();
        host.ck_ok(&format!("{made} apply"), 0);
        let said = host.ck_ok(&format!("{removed} remove"), 0);
        assert!(!said.contains("kept"), "{said}");
        assert!(!nft(&host).contains("KUBE-"), "{made} then {removed}");
    }
}

#[test]
fn run_warns_and_a_reload_changes_the_dialect() {
    let host = Host::new();
    let file = Scratch::new("dialect.toml", "dialect = 'native'\n");
    let run: Running = host.start(PROGRAM, &format!("run --config {}", file.path()));
    let masquerades = |word: &str| host.try_sh("nft list table ip nat").stdout.contains(word);
    eventually("native rules are there", || masquerades("meta mark set meta mark"));
    assert!(run.journal().contains("iptables-nft cannot read native rules"), "{}", run.journal());
    file.write("dialect = 'xt'\n");
    run.signal("HUP");
    eventually("iptables-nft reads it", || {
        host.try_sh("iptables-nft -t nat -S").stdout.contains("-A KUBE-MARK-MASQ -j MARK")
    });
}

//! Rules without xt extensions, for kernels that have none: explicit, warned of, and never beside rules
//! that they would hide from iptables-nft.
mod missing;
mod neighbours;
mod switching;

use crate::support::Host;

const NATIVE: &str = "--dialect native";
const WARNING: &str = "warning: iptables-nft cannot read native rules\n";

fn native() -> Host {
    let host = Host::new();
    host.ck_ok(&format!("{NATIVE} apply"), 0);
    host
}

fn nft(host: &Host) -> String {
    host.sh("nft list ruleset ip; nft list ruleset ip6")
}

#[test]
fn nft_reads_every_native_rule_and_no_extension() {
    let host = native();
    let list = nft(&host);
    for (phrase, count) in [
        ("meta mark set ", 6),
        ("masquerade fully-random comment \"kubernetes service traffic requiring SNAT\"", 2),
        ("jump KUBE-POSTROUTING comment \"kubernetes postrouting rules\"", 2),
        ("drop comment \"kubernetes firewall for dropping marked packets\"", 2),
        ("drop comment \"block incoming localnet connections\"", 2),
        ("ip saddr != 127.0.0.0/8 ip daddr 127.0.0.0/8 ct state ", 2),
        ("counter packets 0 bytes 0", 8 + 6 + 6),
        ("xt ", 0),
        ("XT ", 0),
    ] {
        assert_eq!(list.matches(phrase).count(), count, "{phrase}\n{list}");
    }
    // An nft without the plugins of iptables would print those of an extension as comments.
    let raw = host.sh("nft --debug=netlink list ruleset ip; nft --debug=netlink list ruleset ip6");
    assert!(raw.contains("[ masq flags 0x10 ]") && !raw.contains("[ match "), "{raw}");
    assert!(!raw.contains("[ target "), "{raw}");
}

#[test]
fn a_second_native_pass_writes_nothing() {
    let host = native();
    let generation = host.generation();
    let said = host.ck(&format!("{NATIVE} apply"));
    assert!(said.stdout.starts_with("in sync, nothing written"), "{}", said.stdout);
    assert!(host.ck_ok(&format!("{NATIVE} diff"), 0).ends_with("Nothing to write.\n"));
    assert_eq!(host.generation(), generation);
}

/// The order of the three masquerading rules, and each single rule.
#[test]
fn lost_native_rules_come_back_in_their_place() {
    let host = native();
    let whole = nft(&host);
    for family in ["ip", "ip6"] {
        for (table, chain) in [("nat", "KUBE-POSTROUTING"), ("filter", "KUBE-FIREWALL")] {
            let rules = |host: &Host| -> Vec<String> {
                let list = host.sh(&format!("nft -a list chain {family} {table} {chain}"));
                let lines = list.lines().filter(|l| l.contains("counter"));
                lines.map(|l| l.rsplit(' ').next().expect("a handle").to_owned()).collect()
            };
            for n in 0..rules(&host).len() {
                let handle = &rules(&host)[n];
                host.sh(&format!("nft delete rule {family} {table} {chain} handle {handle}"));
                assert_ne!(nft(&host), whole);
                host.ck_ok(&format!("{NATIVE} apply"), 0);
                assert_eq!(nft(&host), whole, "{family} {chain}, rule {n}");
            }
        }
    }
}

/// What a host without iptables does with its rules: the comments, and the words of nft, come back as
/// the same rules.
#[test]
fn what_nft_saves_and_restores_of_native_rules_is_in_sync() {
    let host = native();
    host.sh("all=$(nft list ruleset); nft flush ruleset; echo \"$all\" | nft -f -");
    let diff = host.ck_ok(&format!("{NATIVE} diff"), 0);
    assert!(diff.ends_with("Nothing to write.\n") && !diff.contains("hide"), "{diff}");
}

/// Where rules are written or would be; not at every pass that finds all in place.
#[test]
fn who_writes_native_rules_or_would_is_warned() {
    let host = Host::new();
    for (command, warnings) in [("diff", 1), ("diff --validate", 1), ("apply", 1), ("apply", 0)] {
        let said = host.ck(&format!("{NATIVE} {command}"));
        assert_eq!(said.stderr.matches(WARNING).count(), warnings, "{command}: {}", said.stderr);
    }
    for command in ["diff", "apply", "remove"] {
        let said = host.ck(command);
        assert_eq!(said.stderr, "", "{command}");
    }
}

/// Copied as it stands it must do what was shown.
#[test]
fn diff_names_the_command_that_does_it() {
    let diff = Host::new().ck_ok("--dialect native --profile=full diff --validate", 1);
    let does = "`chainkeeper --dialect native --profile=full apply` does it.";
    assert!(diff.contains(does), "{diff}");
}

#[test]
fn programs_are_told_the_dialect() {
    let host = Host::new();
    for (words, dialect) in [("diff", "xt"), ("--dialect native apply", "native")] {
        let json = host.ck(&format!("{words} --output json")).stdout;
        assert!(json.contains(&format!("\"dialect\": \"{dialect}\"")), "{json}");
    }
}

#[test]
fn what_contradicts_the_dialect_is_refused() {
    let host = Host::new();
    for (words, error) in [
        ("--dialect native --backend legacy", "contradict each other"),
        ("--force-dialect", "force-dialect is for dialect native"),
    ] {
        let said = host.ck(&format!("{words} apply"));
        assert_eq!(said.code, 2, "{words}: {}", said.stderr);
        assert!(said.stderr.contains(error), "{words}: {}", said.stderr);
    }
    host.ck_ok("--dialect native --force-dialect=false diff", 1);
    let file =
        crate::support::Scratch::new("forced.toml", "dialect = 'native'\nforce-dialect = true\n");
    host.ck_ok(&format!("--config {} --dialect xt diff", file.path()), 1);
}

#[test]
fn native_screens() {
    let host = Host::new();
    insta::assert_snapshot!(
        "native_render",
        host.ck_ok("--dialect native render --family ipv4", 0)
    );
    let said = host.ck(&format!("{NATIVE} diff"));
    insta::assert_snapshot!("native_diff", format!("{}{}", said.stdout, said.stderr));
    host.sh("iptables-nft -A FORWARD -s 10.0.0.0/8 -j ACCEPT");
    insta::assert_snapshot!("native_neighbour", host.ck_ok(&format!("{NATIVE} diff"), 1));
}

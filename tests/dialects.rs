//! Rules without xt extensions, for kernels that have none: explicit, warned of, and never beside rules
//! that they would hide from iptables-nft.
use crate::support::{Host, Running, eventually};
use chainkeeper::config::Settings;
use chainkeeper::reconcile::{Keeper, Pass};
use chainkeeper::{advice, exit, host};
use chainkeeper_contract::{BackendError, CanaryPolicy, Family};
use chainkeeper_nft::{Lacking, NftBackend, Setup};

const NATIVE: &str = "--dialect native";
const WARNING: &str = "warning: no iptables-nft can read native rules";

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
    assert!(diff.ends_with("Nothing to write.\n"), "{diff}");
}

#[test]
fn what_the_warning_says_of_iptables_is_so() {
    let host = native();
    for program in ["iptables-nft", "ip6tables-nft"] {
        let save = host.sh(&format!("{program}-save 2>&1"));
        assert!(save.contains("# Table `nat' is incompatible"), "{save}");
        let list = host.try_sh(&format!("{program} -t nat -S"));
        assert!(list.code != 0 && list.stdout.is_empty(), "{list:?}");
    }
}

#[test]
fn each_command_that_writes_native_rules_or_says_what_it_would_write_warns() {
    let host = Host::new();
    for command in ["diff", "diff --validate", "apply", "apply"] {
        let said = host.ck(&format!("{NATIVE} {command}"));
        assert_eq!(said.stderr.matches(WARNING).count(), 1, "{command}: {}", said.stderr);
    }
    for command in ["diff", "apply", "remove"] {
        let said = host.ck(command);
        assert!(!said.stderr.contains(WARNING), "{command}: {}", said.stderr);
    }
}

/// What kubelet or a CNI plugin writes by iptables-nft keeps one table of one family free of us.
#[test]
fn a_table_in_which_iptables_is_used_is_left_alone_unless_forced() {
    for (rule, shown) in [
        ("-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to 10.0.0.1", "-j DNAT"),
        ("-t nat -A POSTROUTING -s 10.0.0.0/8 -j RETURN", "-s 10.0.0.0/8 -j RETURN"),
        // Without our mark, our names are no excuse.
        (
            "-t nat -N KUBE-MARK-MASQ; iptables-nft -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
            "-j MARK",
        ),
    ] {
        let host = Host::new();
        host.sh(&format!("iptables-nft {rule}"));
        let before = host.sh("iptables-nft-save -t nat");
        let refusal = format!("native rules would hide those of iptables-nft: {}", &rule[10..14]);
        for (command, code) in [("diff", 1), ("apply", 5), ("apply", 5)] {
            let said = host.ck_ok(&format!("{NATIVE} {command}"), code);
            let line = said.lines().find(|l| l.contains(&refusal)).expect("it is refused");
            assert!(line.contains(shown) && line.contains("--force-dialect"), "{line}");
        }
        let kept = |save: &str| save.replace(|c: char| c == '#' || c.is_ascii_digit(), "");
        assert_eq!(kept(&host.sh("iptables-nft-save -t nat")), kept(&before));
        // Everything else is in place: the other family, and the other tables.
        assert!(nft(&host).matches("jump KUBE-FIREWALL").count() == 4);
        assert!(host.sh("nft list table ip6 nat").contains("masquerade fully-random"));
        let said = host.ck_ok(&format!("{NATIVE} --force-dialect apply"), 0);
        assert!(said.contains("our native rules hide others' from iptables-nft"), "{said}");
        assert!(host.sh("nft list table ip nat").contains("masquerade fully-random"));
    }
}

/// Rules that iptables-nft could not read before us, or that nft alone would write, lose nothing.
#[test]
fn rules_of_nft_itself_do_not_keep_us_away() {
    let host = Host::new();
    host.sh("nft add table ip nat; nft add chain ip nat own; nft add rule ip nat own ct state new counter accept; \
             nft add rule ip nat own tcp dport 80 accept");
    host.ck_ok(&format!("{NATIVE} apply"), 0);
    assert!(host.sh("nft list table ip nat").contains("masquerade fully-random"));
}

/// Chains that we made ourselves are no reason: they are ours in any dialect.
#[test]
fn from_one_dialect_to_the_other_and_back_in_one_step_each() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    let iptables = |host: &Host| host.sh("iptables-nft -t filter -S; iptables-nft -t nat -S");
    let xt = iptables(&host);
    host.ck_ok(&format!("{NATIVE} apply"), 0);
    host.ck_ok(&format!("{NATIVE} diff"), 0);
    host.sh("nft flush chain ip nat KUBE-POSTROUTING; nft flush chain ip nat KUBE-MARK-MASQ");
    host.ck_ok(&format!("{NATIVE} apply"), 0);
    assert!(host.sh("nft list table ip nat").contains("meta mark set"), "only what was lost");
    let diff = host.ck_ok("diff", 1);
    assert!(diff.contains("rewritten: iptables-nft cannot read the native dialect"), "{diff}");
    host.ck_ok("apply", 0);
    host.ck_ok("diff", 0);
    assert_eq!(iptables(&host), xt);
}

#[test]
fn a_native_rule_of_somebody_else_is_reported_and_nothing_is_rewritten_for_it() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    // Also in a chain of ours: it is foreign there.
    for chain in ["POSTROUTING", "KUBE-MARK-MASQ"] {
        host.sh(&format!("nft add rule ip nat {chain} ip daddr 10.0.0.9 meta mark set 0x1"));
        let generation = host.generation();
        let diff = host.ck_ok("diff", 0);
        assert!(diff.contains("a native rule hides this table from iptables-nft: "), "{diff}");
        host.ck_ok("apply", 0);
        assert_eq!(host.generation(), generation, "{chain}");
    }
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
    let file = crate::support::Scratch::new("dialect.toml", "dialect = 'native'\n");
    let run: Running =
        host.start(crate::support::PROGRAM, &format!("run --config {}", file.path()));
    let masquerades = |word: &str| host.try_sh("nft list table ip nat").stdout.contains(word);
    eventually("native rules are there", || masquerades("meta mark set meta mark"));
    assert!(run.journal().contains("no iptables-nft can read native rules"), "{}", run.journal());
    file.write("dialect = 'xt'\n");
    run.signal("HUP");
    eventually("iptables-nft reads it", || {
        host.try_sh("iptables-nft -t nat -S").stdout.contains("-A KUBE-MARK-MASQ -j MARK")
    });
}

/// A pass on a kernel that says it lacks these extensions, and its generation before and after.
fn lacking(host: &Host, lacking: Lacking) -> (Result<Pass, BackendError>, bool) {
    let before = host.generation();
    let pass = host.inside(|| {
        let setup = Setup { lacking, ..Setup::default() };
        let config = Settings::default().check().expect("defaults");
        let backend = NftBackend::open(setup).expect("netlink");
        Keeper::new(Box::new(backend), config).apply(CanaryPolicy::Write)
    });
    (pass, host.generation() != before)
}

#[test]
fn a_missing_extension_is_named_before_anything_is_written() {
    let both: Lacking = &[(Family::Ipv4, "MASQUERADE"), (Family::Ipv6, "MASQUERADE")];
    let (pass, wrote) = lacking(&Host::new(), both);
    let pass = pass.expect("asked");
    assert!(!wrote, "something was written");
    let error = pass.error(Family::Ipv4).expect("refused");
    assert_eq!(advice::exit_code(error), exit::UNSUPPORTED);
    let screen = advice::screen(error, host::privileges());
    insta::assert_snapshot!("error_no_extension", screen);
}

/// Linux 6.6.57-58 and 6.11.4-5 lost the IPv6 MARK target.
#[test]
fn what_one_family_lacks_does_not_keep_the_other_from_its_rules() {
    let host = Host::new();
    let (pass, wrote) = lacking(&host, &[(Family::Ipv6, "MARK")]);
    let pass = pass.expect("asked");
    assert!(wrote && pass.error(Family::Ipv4).is_none(), "{pass:?}");
    let error = pass.error(Family::Ipv6).expect("refused").to_string();
    assert!(error.starts_with("ip6: write rules of nat KUBE-MARK-MASQ"), "{error}");
    assert_eq!(host.sh("nft list ruleset ip6"), "");
    assert!(host.sh("iptables-nft-save").contains("-A KUBE-MARK-MASQ -j MARK"));
}

/// What a kernel without any of them needs is written all the same, natively.
#[test]
fn the_native_dialect_needs_none_of_them() {
    const ALL: Lacking = &[
        (Family::Ipv4, "comment"),
        (Family::Ipv4, "mark"),
        (Family::Ipv4, "conntrack"),
        (Family::Ipv4, "MARK"),
        (Family::Ipv4, "MASQUERADE"),
    ];
    let host = Host::new();
    let wrote = host.inside(|| {
        let dialect = chainkeeper_nft::Dialect::Native;
        let setup = Setup { lacking: ALL, dialect, ..Setup::default() };
        let settings =
            Settings { dialect: Some(chainkeeper::config::Dialect::Native), ..Settings::default() };
        let backend = NftBackend::open(setup).expect("netlink");
        let config = settings.check().expect("settings");
        Keeper::new(Box::new(backend), config).apply(CanaryPolicy::Write).expect("apply")
    });
    assert!(Family::ALL.iter().all(|f| wrote.error(*f).is_none()), "{wrote:?}");
}

//! The same eyes in other versions: the iptables of other Debian suites, which `scripts/other-iptables`
//! unpacks, beside the installed one. On legacy chainkeeper works by the version's own tools.
use super::kube_proxy::*;
use super::kubelet::*;
use super::others::{Eyes, kubelet_starts, saves};
use super::{FULL, PROFILES, writes_nothing};
use crate::support::{Host, On, normalised};
use std::path::Path;

/// A suite, and the version that it stands for; sid has the newest.
const SUITES: [(&str, &str); 3] = [("bullseye", "v1.8.7 "), ("trixie", "v1.8.11 "), ("sid", "v1.")];

/// The programs of that suite by path. Where a change is judged, all must be there.
fn unpacked(suite: &str, on: On) -> Option<[String; 2]> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("other-iptables");
    let bin = all.join(suite).join("bin");
    if bin.join(on.both_iptables()[0]).exists() {
        return Some(on.both_iptables().map(|program| bin.join(program).display().to_string()));
    }
    let why = format!("{} is not there; scripts/other-iptables makes it", bin.display());
    assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{why}");
    eprintln!("LEFT OUT: what the iptables of Debian {suite} makes of us. {why}");
    None
}

/// Runs a check by the eyes of that suite, or of the machine.
fn by(suite: &str, on: On, check: fn(Eyes<'_>)) {
    if suite == "installed" {
        check(Eyes::of(on));
    } else if let Some([v4, v6]) = unpacked(suite, on) {
        check(Eyes { on, programs: [&v4, &v6] });
    }
}

/// Tests of these names for each version: the name of one that fails says who misreads us. On legacy those
/// that are not about nf_tables.
macro_rules! with_each_version {
    (both $both:tt nft $nft:tt) => {
        with_each_version!(installed $both $nft);
        with_each_version!(bullseye $both $nft);
        with_each_version!(trixie $both $nft);
        with_each_version!(sid $both $nft);
    };
    ($suite:ident { $($both:ident,)* } { $($nft:ident,)* }) => {
        mod $suite {
            use super::{On, by};
            $(#[test] fn $both() { by(stringify!($suite), On::Nft, super::$both); })*
            $(#[test] fn $nft() { by(stringify!($suite), On::Nft, super::$nft); })*
            mod legacy {
                use super::{On, by};
                $(#[test] fn $both() {
                    by(stringify!($suite), On::Legacy, super::super::$both);
                })*
            }
        }
    };
}

with_each_version! {
    both {
        iptables_saves_what_kubelet_made,
        what_iptables_restores_of_our_chains_is_in_sync,
        kubelets_check_finds_each_of_our_rules,
        each_of_our_rules_is_deleted_by_name_and_comes_back,
        a_kubelet_that_starts_after_us_writes_nothing,
        what_a_kubelet_made_is_in_sync,
        a_kube_proxy_that_restores_our_chains_is_not_fought,
        syncs_of_a_kube_proxy_do_not_set_off_repairs,
    }
    nft {
        iptables_finds_no_table_incompatible,
        chains_that_iptables_restored_are_its_own,
        native_tables_are_given_up_whole_and_no_rule_is_misread,
    }
}

fn iptables_saves_what_kubelet_made(eyes: Eyes<'_>) {
    for (profile, golden) in PROFILES {
        let host = eyes.host();
        host.ck_ok(&format!("--profile {profile} apply"), 0);
        assert_eq!(eyes.saves(&host), golden, "profile {profile}");
    }
}

/// One expression that iptables cannot read makes it call a whole table incompatible.
fn iptables_finds_no_table_incompatible(eyes: Eyes<'_>) {
    let host = eyes.applied_in_full();
    for program in eyes.programs {
        let lists = ["mangle", "filter", "nat"].map(|table| format!("{program} -t {table} -S"));
        for command in [format!("{program}-save")].iter().chain(&lists) {
            let said = host.sh(&format!("{command} 2>&1"));
            assert!(said.contains("KUBE-KUBELET-CANARY"), "{command}: {said}");
            assert!(!said.contains("incompatible"), "{command}: {said}");
        }
    }
}

/// The whole file, read back and written by iptables.
fn save_and_restore(host: &Host, eyes: Eyes<'_>) {
    for program in eyes.programs {
        // Not one pipe: the restore would start while the save still reads.
        host.sh(&format!("all=$({program}-save); echo \"$all\" | {program}-restore"));
    }
}

fn what_iptables_restores_of_our_chains_is_in_sync(eyes: Eyes<'_>) {
    let host = eyes.applied_in_full();
    save_and_restore(&host, eyes);
    assert_eq!(eyes.saves(&host), FULL);
    assert_eq!(saves(&host), FULL, "as the installed iptables sees it");
    let diff = host.ck_ok("--profile full diff", 0);
    assert!(writes_nothing(&diff), "{diff}");
}

/// The mark is gone with the chain that had it. Legacy has none, and goes by what it remembers.
fn chains_that_iptables_restored_are_its_own(eyes: Eyes<'_>) {
    let host = eyes.applied_in_full();
    save_and_restore(&host, eyes);
    let diff = host.ck_ok("--profile full diff", 0);
    assert_eq!(diff.matches("  = CHAINKEEPER-CANARY").count(), 6, "{diff}");
    host.ck_ok("--profile full remove", 0);
    assert_eq!(saves(&host), FULL, "remove took what iptables created");
}

/// Better no rule than one without its condition: 1.8.7 would take "drop what is marked" for "drop all",
/// and restore it so. What none of them can read, they leave alone.
fn native_tables_are_given_up_whole_and_no_rule_is_misread(eyes: Eyes<'_>) {
    let both = |script: &str| format!("for f in ip ip6; do {script}; done");
    for (before, tables) in [
        (String::new(), &["filter", "nat"][..]),
        (both("nft add table $f nat; nft add chain $f nat KUBE-SERVICES"), &["filter", "nat"]),
        // xt rules that are in place stay: one native rule alone, of each kind that there is.
        (both("nft flush chain $f nat KUBE-MARK-DROP"), &["nat"]),
        (both("nft flush chain $f nat KUBE-POSTROUTING"), &["nat"]),
        (both("nft flush chain $f filter KUBE-FIREWALL"), &["filter"]),
    ] {
        let host = Host::new();
        if tables.len() == 1 {
            host.ck_ok("apply", 0);
        }
        host.sh(&before);
        host.ck_ok("--dialect native apply", 0);
        let before = host.sh("nft list ruleset");
        for program in eyes.programs {
            let save = host.sh(&format!("{program}-save 2>&1"));
            for table in tables {
                assert!(save.contains(&format!("# Table `{table}' is incompatible")), "{save}");
                let list = host.try_sh(&format!("{program} -t {table} -S"));
                assert!(list.code != 0 && list.stdout.is_empty(), "{program}: {list:?}");
            }
            assert!(tables.len() == 1 || !save.contains("-A "), "{save}");
            host.sh(&format!("all=$({program}-save); echo \"$all\" | {program}-restore"));
        }
        let [after, before] =
            [host.sh("nft list ruleset"), before].map(|l| l.matches("counter").count());
        assert_eq!(after, before);
    }
}

/// Prints who takes part, which nextest shows at its end, also when it passes.
#[test]
fn the_versions_are_these() {
    let host = Host::new();
    for on in On::BOTH {
        eprintln!("the installed {}", host.by(on.both_iptables()[0], "$T --version").trim());
    }
    for (suite, stands_for) in SUITES {
        for on in On::BOTH {
            for program in unpacked(suite, on).iter().flatten() {
                let version = host.sh(&format!("{program} --version"));
                eprintln!("{suite}'s {}", version.trim());
                assert!(version.contains(stands_for), "{suite}: {version}");
                let kind = if on == On::Nft { "(nf_tables)" } else { "(legacy)" };
                assert!(version.trim().ends_with(kind), "{suite}: {version}");
            }
        }
    }
}

/// A plugin or a library of the machine's would make it another version than it says.
#[test]
fn a_version_loads_nothing_of_the_machines() {
    let host = Eyes::of(On::Nft).applied_in_full();
    for (suite, _) in SUITES {
        let Some([program, _]) = unpacked(suite, On::Nft) else { continue };
        let mark = "-t nat -C KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN";
        let log = host.sh(&format!("LD_DEBUG=files {program} {mark} 2>&1"));
        // The first to get control is the shell that starts the program.
        let (_, log) = log.split_once("transferring control").expect("LD_DEBUG tells of it");
        let loaded = log.lines().filter_map(|line| line.split_once("calling init: "));
        let loaded: Vec<_> = loaded.map(|(_, path)| path).collect();
        assert!(loaded.iter().any(|path| path.ends_with("/xtables/libxt_mark.so")), "{log}");
        let home = program.strip_suffix("iptables-nft").expect("the program's name");
        let stranger = loaded.iter().find(|path| !path.starts_with(home));
        assert_eq!(stranger, None, "{suite}");
    }
}

/// Why we write the marks as an xt match: 1.8.7 cannot read the native one of 1.8.8 and later. It
/// takes the rule for one without a condition, and says nothing.
#[test]
fn v1_8_7_loses_the_mark_match_that_v1_8_11_writes() {
    let (Some([old, _]), Some([v4, v6])) =
        (unpacked("bullseye", On::Nft), unpacked("trixie", On::Nft))
    else {
        return;
    };
    let host = Host::new();
    kubelet_starts(&host, Eyes { on: On::Nft, programs: [&v4, &v6] });
    let misread = FULL[0]
        .replace(" -m mark --mark 0x8000/0x8000", "")
        .replace(" -m mark ! --mark 0x4000/0x4000", "");
    assert_eq!(normalised(&host.sh(&format!("{old}-save 2>&1"))), misread);
}

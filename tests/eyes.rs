//! Other eyes: what iptables-nft, iptables-legacy and nft see of what we wrote, and what we make of what
//! they wrote. Both families throughout; `versions` asks each iptables that there is: all print the same
//! text, whichever backend it is about.
mod kube_proxy;
mod kubelet;
pub(crate) mod others;
mod versions;

use crate::support::{Host, On};
use others::{Eyes, INSTALLED, save, saves};

/// What the saves of both families print, counters and built-in chains left out.
const FULL: [&str; 2] = [include_str!("golden/full-ip.save"), include_str!("golden/full-ip6.save")];
const CURRENT: [&str; 2] =
    [include_str!("golden/current-ip.save"), include_str!("golden/current-ip6.save")];
const PROFILES: [(&str, [&str; 2]); 2] = [("full", FULL), ("current", CURRENT)];

/// True when the text of `diff` names nothing to write.
fn writes_nothing(diff: &str) -> bool {
    !diff.lines().any(|l| ["  +", "  ~", "  -"].iter().any(|sign| l.starts_with(sign)))
}

#[test]
fn render_prints_what_iptables_saves() {
    let host = Host::new();
    for (profile, golden) in PROFILES {
        for (i, (family, head)) in [("ipv4", "# ip\n"), ("ipv6", "# ip6\n")].iter().enumerate() {
            let words = format!("render --profile {profile} --family {family}");
            assert_eq!(host.ck_ok(&words, 0), format!("{head}{}", golden[i]), "{words}");
        }
    }
}

/// Each family by an nft of its own: nft 1.0.6 loses the IPv6 MASQUERADE once it has listed the
/// IPv4 one, whoever wrote them.
#[test]
fn nft_knows_every_extension_we_use() {
    let host = Eyes::of(On::Nft).applied_in_full();
    host.sh("nft list ruleset");
    for family in ["ip", "ip6"] {
        let list = host.sh(&format!("nft list ruleset {family} 2>&1"));
        assert!(list.contains("masquerade fully-random"), "{list}");
        assert!(!list.contains("not found"), "{list}");
    }
}

/// kubelet would append the lost rule at the end: without RETURN first, all is masqueraded.
#[test]
fn a_lost_masquerading_rule_comes_back_in_its_place() {
    for eyes in INSTALLED {
        let host = eyes.applied_in_full();
        for program in eyes.programs {
            for lost in 1..=3 {
                host.sh(&format!("{program} -t nat -D KUBE-POSTROUTING {lost}"));
                assert_ne!(saves(&host), FULL);
                host.ck_ok("--profile full apply", 0);
                assert_eq!(saves(&host), FULL, "{program}, rule {lost}");
            }
        }
    }
}

#[test]
fn copies_of_a_rule_are_thinned_to_one() {
    for eyes in INSTALLED {
        let host = eyes.applied_in_full();
        for program in eyes.programs {
            for rule in [
                "-t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
                "-t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
                "-t nat -A KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
                "-t filter -A INPUT -j KUBE-FIREWALL",
            ] {
                host.sh(&format!("{program} {rule}; {program} {rule}"));
                let diff = host.ck_ok("--profile full diff", 1);
                assert_eq!(diff.matches("  - ").count(), 2, "{program} {rule}\n{diff}");
                host.ck_ok("--profile full apply", 0);
                assert_eq!(saves(&host), FULL, "{program} {rule}");
            }
        }
    }
}

#[test]
fn other_bits_stand_in_all_four_places() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("--profile full --masquerade-bit 0 --drop-bit 31 apply", 0);
        let with_bits = |text: &str| text.replace("0x4000", "0x1").replace("0x8000", "0x80000000");
        assert_eq!(saves(&host), FULL.map(with_bits));
    }
}

#[test]
fn our_rules_of_an_earlier_bit_are_drift_and_go() {
    for eyes in INSTALLED {
        let host = eyes.applied_in_full();
        let diff = host.ck_ok("--profile full --masquerade-bit 13 diff", 1);
        assert!(diff.contains("another mark bit"), "{diff}");
        host.ck_ok("--profile full --masquerade-bit 13 apply", 0);
        for (program, golden) in eyes.programs.iter().zip(FULL) {
            let text = save(&host, program);
            assert!(!text.contains("0x4000"), "{text}");
            assert_eq!(text, golden.replace("0x4000", "0x2000"));
        }
    }
}

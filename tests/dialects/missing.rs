//! Missing extensions, on a kernel that has them all: it is asked for others in their place.
use crate::support::{Host, PROGRAM};
use chainkeeper::config::{self, Settings};
use chainkeeper::reconcile::{Keeper, Pass};
use chainkeeper::{advice, exit, host};
use chainkeeper_contract::{BackendError, CanaryPolicy, Family};
use chainkeeper_nft::{Dialect, Lacking, NftBackend, Setup};

/// A pass on a kernel that says it lacks these extensions, and whether anything was written.
fn lacking(host: &Host, lacking: Lacking, dialect: Dialect) -> (Pass, bool) {
    let before = host.generation();
    let pass: Result<Pass, BackendError> = host.inside(|| {
        let setup = Setup { lacking, dialect, ..Setup::default() };
        let settings = match dialect {
            Dialect::Xt => Settings::default(),
            Dialect::Native => {
                Settings { dialect: Some(config::Dialect::Native), ..Settings::default() }
            }
        };
        let backend = NftBackend::open(setup).expect("netlink");
        let config = settings.check().expect("settings");
        Keeper::new(Box::new(backend), config).apply(CanaryPolicy::Write)
    });
    (pass.expect("asked"), host.generation() != before)
}

#[test]
fn a_missing_extension_is_named_before_anything_is_written() {
    let both: Lacking = &[(Family::Ipv4, "MASQUERADE"), (Family::Ipv6, "MASQUERADE")];
    let (pass, wrote) = lacking(&Host::new(), both, Dialect::Xt);
    assert!(!wrote, "something was written");
    let error = pass.error(Family::Ipv4).expect("refused");
    assert_eq!(advice::exit_code(error), exit::UNSUPPORTED);
    let screen = advice::screen(error, host::place());
    insta::assert_snapshot!("error_no_extension", screen);
}

/// Linux 6.6.57-58 and 6.11.4-5 lost the IPv6 MARK target.
#[test]
fn what_one_family_lacks_does_not_keep_the_other_from_its_rules() {
    let host = Host::new();
    let (pass, wrote) = lacking(&host, &[(Family::Ipv6, "MARK")], Dialect::Xt);
    assert!(wrote && pass.error(Family::Ipv4).is_none(), "{pass:?}");
    let error = pass.error(Family::Ipv6).expect("refused").to_string();
    assert!(error.starts_with("ip6: write rules of nat KUBE-MARK-MASQ"), "{error}");
    assert_eq!(host.sh("nft list ruleset ip6"), "");
    assert!(host.sh("iptables-nft-save").contains("-A KUBE-MARK-MASQ -j MARK"));
}

const V4: Family = Family::Ipv4;
const V6: Family = Family::Ipv6;
const ALL: Lacking = &[
    (V4, "comment"),
    (V4, "mark"),
    (V4, "conntrack"),
    (V4, "MARK"),
    (V4, "MASQUERADE"),
    (V6, "comment"),
    (V6, "mark"),
    (V6, "MARK"),
    (V6, "MASQUERADE"),
];

/// Each alone is missed in the xt dialect; the native one needs none of them.
#[test]
fn the_native_dialect_needs_no_extension_that_the_other_needs() {
    for i in 0..ALL.len() {
        let (pass, _) = lacking(&Host::new(), &ALL[i..=i], Dialect::Xt);
        assert!(pass.error(ALL[i].0).is_some(), "{:?} is not needed", ALL[i]);
    }
    let (pass, wrote) = lacking(&Host::new(), ALL, Dialect::Native);
    assert!(wrote && Family::ALL.iter().all(|f| pass.error(*f).is_none()), "{pass:?}");
}

/// NETLINK_EXT_ACK (Linux 4.12) and NETLINK_CAP_ACK (4.3): without them errors say less, and nothing else changes.
#[test]
fn without_the_newer_options_of_a_socket_all_is_written_all_the_same() {
    let host = Host::new();
    let trace = host.state().with_file_name("trace");
    let strace = "strace -f -qq -e trace=setsockopt -e inject=setsockopt:error=ENOPROTOOPT";
    host.sh(&format!("{strace} -o '{}' '{PROGRAM}' apply", trace.display()));
    let refused = std::fs::read_to_string(&trace).expect("strace wrote");
    for option in ["NETLINK_EXT_ACK", "NETLINK_CAP_ACK"] {
        assert!(
            refused.lines().any(|l| l.contains(option) && l.ends_with("(INJECTED)")),
            "{refused}"
        );
    }
    assert_eq!(host.ck_ok("diff", 0).matches("in sync").count(), 2);
}

//! What is said of an error, in and outside of a container: pure, for places that no test can be in.
use chainkeeper::advice::{self, NO_PROCESSES, TABLE, WARNINGS};
use chainkeeper::host::{
    Ground, Place, Privileges, Spot, Surroundings, contained, is_mapped, parse,
};
use chainkeeper_contract::{BackendError, Errno, ErrorKind, Lack, Misplaced};
use std::fmt::Write as _;

/// Root in a container that was given CAP_NET_ADMIN.
fn pod() -> Place {
    let privileges = Privileges {
        uid: Some(0),
        effective: Some(true),
        bounding: Some(true),
        raw: Some(false),
        no_new_privs: Some(true),
    };
    Place { privileges, container: true, user_namespace: false }
}

fn with(change: impl Fn(&mut Place)) -> Place {
    let mut place = pod();
    change(&mut place);
    place
}

fn nobody(place: &mut Place) {
    place.privileges.uid = Some(65534);
    place.privileges.effective = Some(false);
}

fn denied() -> BackendError {
    BackendError::Denied { what: "cannot read nf_tables".into(), errno: Errno::PERM }
}

fn lock(kind: ErrorKind, misplaced: Option<Misplaced>) -> BackendError {
    let what = "cannot take the xtables lock /run/xtables.lock".into();
    BackendError::Lock { kind, what, words: "(why)".into(), misplaced }
}

fn busy(errno: Errno) -> BackendError {
    BackendError::Busy { what: "commit".into(), errno }
}

fn none(lack: Lack) -> BackendError {
    let (kind, what, why) = (ErrorKind::Denied, "(what)".into(), "(why)".into());
    BackendError::NoBackend { kind, what, why, remedy: Some("(remedy)".into()), lack: Some(lack) }
}

fn cases() -> Vec<(&'static str, BackendError, Place)> {
    let tool = BackendError::Failed {
        kind: ErrorKind::Denied,
        what: "cannot read the tables".into(),
        words: "iptables-legacy-save: exit 3: Permission denied (you must be root)".into(),
    };
    let ungranted =
        with(|p| (p.privileges.effective, p.privileges.bounding) = (Some(false), Some(false)));
    let may_gain = with(|p| {
        nobody(p);
        p.privileges.no_new_privs = Some(false);
    });
    let mapped = with(|p| p.user_namespace = true);
    vec![
        ("not granted", denied(), ungranted),
        ("granted to root only", denied(), may_gain),
        ("and no_new_privs", denied(), with(nobody)),
        ("user namespace", denied(), mapped),
        ("user namespace, a legacy tool", tool.clone(), mapped),
        ("a legacy tool", tool, pod()),
        ("an owner", denied(), pod()),
        ("no CAP_NET_RAW", none(Lack::Capabilities), pod()),
        ("no CAP_NET_RAW, not root", none(Lack::Capabilities), with(nobody)),
        ("no list", none(Lack::Group), with(nobody)),
        ("no tools", none(Lack::Tools), pod()),
        ("no lock", lock(ErrorKind::Refused, Some(Misplaced::Private)), pod()),
        ("a folder", lock(ErrorKind::Refused, Some(Misplaced::Folder)), pod()),
        ("a lock of root's", lock(ErrorKind::Denied, None), with(nobody)),
        ("user namespace, a lock of root's", lock(ErrorKind::Denied, None), mapped),
        ("another lock", lock(ErrorKind::Refused, None), pod()),
        ("held", lock(ErrorKind::Busy, None), pod()),
        ("lost answers", busy(Errno::NOBUFS), pod()),
        ("somebody was faster", busy(Errno::RESTART), pod()),
        ("no descriptors", busy(Errno(24)), pod()),
    ]
}

#[test]
fn every_screen_in_a_container() {
    let mut screens = String::new();
    for (name, error, place) in cases() {
        writeln!(screens, "# {name}\n{}\n", advice::screen(&error, place)).expect("text");
    }
    insta::assert_snapshot!(screens);
}

#[test]
fn outside_of_a_container_nobody_reads_of_manifests() {
    for (name, error, place) in cases() {
        let outside = Place { container: false, ..place };
        assert_eq!(advice::manifest(&error, outside), None, "{name}");
        let (inside, outside) = (advice::screen(&error, place), advice::screen(&error, outside));
        let rest: Vec<&str> = inside.lines().take_while(|l| !l.starts_with("  yaml")).collect();
        assert_eq!(rest.join("\n"), outside, "{name}");
    }
}

/// Each can be put under `containers:` or into the pod as it stands.
#[test]
fn every_line_of_a_manifest_is_shown_for_some_error() {
    for row in TABLE.iter().filter(|row| !row.manifest.is_empty()) {
        let shown = |(_, error, place): &(_, BackendError, Place)| {
            advice::advise(error, *place).when == row.when
        };
        assert!(cases().iter().any(shown), "no case has: {}", row.when);
    }
}

#[test]
fn a_container_is_one_by_what_its_engine_says() {
    for (said, marked, is) in [
        (None, false, false),
        (None, true, true),
        (Some("podman"), false, true),
        (Some("none"), true, false),
        (Some(""), true, false),
    ] {
        assert_eq!(contained(said, marked), is, "{said:?} {marked}");
    }
}

#[test]
fn a_user_namespace_maps_users() {
    assert!(!is_mapped("         0          0 4294967295\n"));
    assert!(is_mapped("         0     100000      65536\n"));
    assert!(is_mapped("         0          0          1\n         1     100000      65536\n"));
    assert!(is_mapped(""), "nobody is mapped yet");
}

#[test]
fn privileges_are_read_from_a_status() {
    let status = "Name:\tNoNewPrivs:\nUid:\t7\t65534\t7\t7\nCapEff:\t0000000000000000\n\
                  CapBnd:\t0000000000003000\nNoNewPrivs:\t1\n";
    let read = Privileges {
        uid: Some(65534),
        effective: Some(false),
        bounding: Some(true),
        raw: Some(false),
        no_new_privs: Some(true),
    };
    assert_eq!(parse(status), read);
    assert_eq!(parse("NoNewPrivs:\t0\n").no_new_privs, Some(false));
    assert_eq!(parse(""), Privileges::default());
}

/// A pod whose folder is mounted and in the network of the node.
fn good() -> Surroundings {
    let mounted = Spot { ground: Ground::Mounted, read_only: false, denied: false };
    Surroundings { own_network: Some(false), socket: Some(mounted), state: Some(mounted) }
}

fn doubts(change: impl Fn(&mut Surroundings)) -> Vec<&'static str> {
    let mut around = good();
    change(&mut around);
    advice::doubts(&around).iter().map(|doubt| doubt.manifest).collect()
}

#[test]
fn what_is_wrong_around_a_container_is_told_by_its_line() {
    let [network, read_only, denied, forgotten, _] = WARNINGS.map(|doubt| doubt.manifest);
    let root = |read_only| Some(Spot { ground: Ground::Root, read_only, denied: false });
    let empty = Some(Spot { ground: Ground::Empty, read_only: false, denied: false });
    let theirs = Some(Spot { ground: Ground::Mounted, read_only: false, denied: true });
    assert_eq!(doubts(|_| ()), [""; 0]);
    assert_eq!(doubts(|a| *a = Surroundings::default()), [""; 0], "what is not known is no doubt");
    assert_eq!(doubts(|a| a.own_network = Some(true)), [network]);
    assert_eq!(doubts(|a| a.own_network = None), [""; 0]);
    assert_eq!(doubts(|a| (a.socket, a.state) = (root(true), root(true))), [read_only]);
    assert_eq!(doubts(|a| a.socket = root(true)), [read_only]);
    assert_eq!(doubts(|a| a.state = root(false)), [forgotten]);
    assert_eq!(doubts(|a| a.socket = root(false)), [""; 0], "a socket is made anew each time");
    assert_eq!(doubts(|a| (a.socket, a.state) = (empty, empty)), [forgotten]);
    assert_eq!(doubts(|a| (a.socket, a.state) = (theirs, theirs)), [denied]);
}

#[test]
fn every_warning_of_a_container() {
    let mut screens: Vec<String> = WARNINGS.iter().map(advice::warning).collect();
    screens.dedup();
    assert_eq!(WARNINGS.last(), Some(&NO_PROCESSES));
    insta::assert_snapshot!(screens.join("\n\n"));
}

/// What a tool or another program says ends no line.
#[test]
fn words_of_others_forge_no_line() {
    let bad = || "bad\n  do    that\u{1b}]".to_owned();
    let (what, why, missing, remedy) = (bad(), bad(), bad(), Some(bad()));
    let lacks = BackendError::NoBackend { kind: ErrorKind::Denied, what, why, remedy, lack: None };
    let unsupported = BackendError::Unsupported { what: bad(), missing, errno: Errno::NOENT };
    for error in [lacks, unsupported, BackendError::Garbled { what: bad(), why: bad() }] {
        let screen = advice::screen(&error, pod());
        assert_eq!(screen.matches("\n  do    ").count(), 1, "{screen}");
        assert!(!screen.contains('\u{1b}'), "{screen:?}");
    }
}
